import { useMemo, useRef, useState } from "preact/hooks";
import type { SearchConfig } from "../../genome/index.ts";
import { useAnswer } from "../answer.ts";
import { ApiError, api } from "../api.ts";
import { plural } from "../format.ts";
import { Refused } from "../new-search/fields.tsx";
import { configOf, defaultConfig, formOf, refusalsByField, type SearchForm } from "../new-search/form.ts";
import { Preview } from "../new-search/preview.tsx";
import {
  AdvancedSection,
  AlgorithmSection,
  MainSection,
  ObjectivesSection,
  SpaceSection,
} from "../new-search/sections.tsx";
import { Answered } from "../parts/notice.tsx";
import { useTitle } from "../parts/title.ts";
import { addresses } from "../route.ts";

export function NewSearchPage({ from }: { from: string | null }) {
  useTitle("New search");
  if (from === null) return <NewSearch config={defaultConfig} />;
  return <CopiedSearch from={from} />;
}

function CopiedSearch({ from }: { from: string }) {
  const answer = useAnswer(from, (signal) => api.search(from, signal));
  return (
    <Answered answer={answer} what="the settings to copy">
      {({ config }) => <NewSearch config={{ ...config, name: `${config.name} again`.slice(0, 120) }} />}
    </Answered>
  );
}

function NewSearch({ config: initial }: { config: SearchConfig }) {
  const [form, setForm] = useState<SearchForm>(() => formOf(initial));
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const key = useRef<{ body: string; key: string } | null>(null);
  const page = useRef<HTMLFormElement>(null);
  const set = (change: Partial<SearchForm>) => setForm((before) => ({ ...before, ...change }));
  const config = useMemo(() => configOf(form), [form]);
  const refused = useMemo(
    () => refusalsByField(error instanceof ApiError ? error.refusals : [], fieldsOf(form)),
    [error, form],
  );

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const body = JSON.stringify(config);
      // Sent again after a lost answer, the same search is not started twice.
      if (key.current?.body !== body) key.current = { body, key: newKey() };
      const search = await api.createSearch(config, key.current.key);
      location.hash = addresses.search(search.id);
    } catch (caught) {
      setError(caught as Error);
      setBusy(false);
      requestAnimationFrame(() => showFirstError(page.current));
    }
  };

  return (
    <form ref={page} onSubmit={(event) => void submit(event)} noValidate>
      <div class="heading">
        <div>
          <nav class="crumbs" aria-label="Where you are">
            <a href={addresses.searches}>Searches</a>
          </nav>
          <h1>New search</h1>
        </div>
      </div>
      <Refused.Provider value={refused}>
        <div class="columns columns-form">
          <div class="stack-of-cards">
            <MainSection form={form} set={set} />
            <ObjectivesSection form={form} set={set} />
            <SpaceSection form={form} set={set} />
            <AlgorithmSection form={form} set={set} />
            <AdvancedSection form={form} set={set} />
          </div>
          <aside class="side">
            <section class="card launch">
              <p>{describeSize(form)}</p>
              {error && (
                <div class="field-error" role="alert">
                  <p>{error.message}</p>
                  {(refused.get("") ?? []).map((text) => (
                    <p key={text}>{text}</p>
                  ))}
                </div>
              )}
              <button type="submit" class="button button-primary button-wide" disabled={busy}>
                {busy ? "Starting …" : "Start search"}
              </button>
            </section>
            <Preview config={config} />
          </aside>
        </div>
      </Refused.Provider>
    </form>
  );
}

/** The fields that are on the page: refusals of anything else are shown beside the button. */
function fieldsOf(form: SearchForm): string[] {
  const objectives = form.objectives
    .filter(({ chosen }) => chosen)
    .flatMap((_, i) => [`/objectives/${i}`, `/objectives/${i}/limit`]);
  const nsga2 = ["population", "mutationRate", "crossoverPoints", "elitism", "tournament"];
  return [
    "/name",
    "/profile",
    "/recipe",
    "/seed",
    "/budget/candidates",
    "/budget/wallSeconds",
    "/budget/evaluations",
    "/budget/deviceSeconds",
    "/budget/flops",
    "/concurrency",
    "/fidelity",
    "/fidelity/eta",
    "/fidelity/cohort",
    "/tasks",
    ...objectives,
    "/space/depth",
    "/space/width",
    "/space/contextLength",
    "/space/layout",
    "/space/operators",
    "/knownDesigns",
    "/algorithm/name",
    ...(form.algorithm === "nsga2" ? nsga2.map((name) => `/algorithm/${name}`) : []),
    "/warmStart",
    "/deterministic",
    "/evaluation/timeoutSeconds",
    "/evaluation/memoryMb",
  ];
}

function describeSize(form: SearchForm): string {
  const candidates = Number(form.candidates);
  if (!Number.isInteger(candidates) || candidates < 1) return "How many candidates?";
  const all = candidates + form.knownDesigns.length;
  const tasks = plural(form.tasks.length, "task");
  const designs = form.knownDesigns.length === 0 ? "" : ` and ${plural(form.knownDesigns.length, "known design")}`;
  const settings =
    form.profile === "full" ? ", in every setting" : `: ${plural(all * form.tasks.length, "evaluation")}`;
  return `${plural(candidates, "candidate")}${designs} on ${tasks}${settings}.`;
}

/** crypto.randomUUID exists on secure origins only. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function showFirstError(form: HTMLFormElement | null): void {
  const field = form?.querySelector<HTMLElement>("[aria-invalid=true]");
  field?.scrollIntoView({ block: "center" });
  field?.focus();
}
