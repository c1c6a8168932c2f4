import { useState } from "preact/hooks";
import { api, type Search, type SearchAction, type SearchState } from "../api.ts";
import { ConfirmDialog } from "../parts/dialog.tsx";
import { finishedStates } from "../parts/state.tsx";
import { addresses } from "../route.ts";

interface Meaning {
  readonly verb: string;
  readonly title: string;
  /** What will happen, and what will not. */
  readonly text: string;
  readonly from: readonly SearchState[];
  readonly dangerous?: boolean;
}

const meanings: Readonly<Record<SearchAction, Meaning>> = {
  pause: {
    verb: "Pause",
    title: "Pause this search?",
    text: "No new work is handed out. Evaluations that are running go on to their end. You can resume at any time.",
    from: ["queued", "running"],
  },
  resume: {
    verb: "Resume",
    title: "Resume this search?",
    text: "Work is handed out again, from where the search stood.",
    from: ["paused"],
  },
  stop: {
    verb: "Stop",
    title: "Stop this search?",
    text: "Evaluations that are running are finished and counted, then the search ends. It cannot be resumed.",
    from: ["queued", "running", "paused"],
  },
  cancel: {
    verb: "Cancel search",
    title: "Cancel this search now?",
    text: "Running evaluations are killed and their work is lost. What is already complete stays. It cannot be resumed.",
    from: ["queued", "running", "paused", "stopping"],
    dangerous: true,
  },
};

const order: readonly SearchAction[] = ["pause", "resume", "stop", "cancel"];

export function SearchActions({ search, done }: { search: Search; done: () => void }) {
  const [asked, setAsked] = useState<SearchAction | "delete" | null>(null);
  const possible = order.filter((action) => meanings[action].from.includes(search.state));
  const close = () => setAsked(null);
  return (
    <div class="buttons">
      {possible.map((action) => (
        <button
          key={action}
          type="button"
          class={meanings[action].dangerous ? "button button-danger-quiet" : "button"}
          title={meanings[action].text}
          onClick={() => setAsked(action)}
        >
          {meanings[action].verb}
        </button>
      ))}
      <a class="button" href={addresses.copyOf(search.id)} title="A new search that starts from this one's settings">
        Copy settings
      </a>
      {finishedStates.has(search.state) && (
        <button type="button" class="button button-danger-quiet" onClick={() => setAsked("delete")}>
          Delete
        </button>
      )}
      {asked !== null && asked !== "delete" && (
        <ConfirmDialog
          title={meanings[asked].title}
          verb={meanings[asked].verb}
          dangerous={meanings[asked].dangerous ?? false}
          act={() => api.act(search.id, asked).then(done)}
          close={close}
        >
          <p>{meanings[asked].text}</p>
        </ConfirmDialog>
      )}
      {asked === "delete" && (
        <ConfirmDialog
          title={`Delete “${search.name}”?`}
          verb="Delete search"
          dangerous
          act={() =>
            api.deleteSearch(search.id).then(() => {
              location.hash = addresses.searches;
            })
          }
          close={close}
        >
          <p>The search and its candidates are no longer listed.</p>
        </ConfirmDialog>
      )}
    </div>
  );
}
