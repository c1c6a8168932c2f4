import type { ComponentChildren } from "preact";
import { operatorOfClass, paletteEntry } from "../../genome/index.ts";
import type { CandidateDetail } from "../api.ts";
import { humanize, plural } from "../format.ts";
import { GenomeStrip } from "../parts/genome-strip.tsx";
import { addresses } from "../route.ts";

/** One gene that differs from the first parent's, as the variation recorded it. */
export interface Change {
  readonly position: number;
  readonly gene: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** The changes inside a variation; anything that is not one is passed over. */
export function changesOf(variation: Readonly<Record<string, unknown>>): Change[] {
  if (!Array.isArray(variation.changes)) return [];
  return variation.changes.filter(
    (change): change is Change =>
      typeof change === "object" &&
      change !== null &&
      typeof change.position === "number" &&
      typeof change.gene === "string",
  );
}

/** Without the options that went with their operator: the new operator never had them. */
export function withoutLeftovers(changes: readonly Change[]): Change[] {
  const exchanged = new Set(changes.filter(({ gene }) => gene === "liv").map(({ position }) => position));
  return changes.filter(({ position, to }) => !(exchanged.has(position) && isDefault(to)));
}

export function LineagePanel({ candidate }: { candidate: CandidateDetail }) {
  const changes = changesOf(candidate.variation);
  return (
    <section class="card" aria-labelledby="lineage-title">
      <div class="card-heading">
        <h2 id="lineage-title">Lineage</h2>
        <span class="muted">Generation {candidate.generation}</span>
      </div>
      <dl class="facts">
        <Fact title="Made by">{describeVariation(candidate)}</Fact>
        <Fact title={candidate.parents.length === 1 ? "Parent" : "Parents"}>
          <Relatives searchId={candidate.searchId} numbers={candidate.parents} none="None" />
        </Fact>
        <Fact title="Children">
          <Relatives searchId={candidate.searchId} numbers={candidate.children} none="None yet" />
        </Fact>
        {changes.length > 0 && (
          <Fact title="Against the first parent">
            <GenomeStrip genome={candidate.genome} changed={new Set(changes.map(({ position }) => position))} />
            <ul class="changes">
              {withoutLeftovers(changes).map((change) => (
                <li key={`${change.position} ${change.gene}`}>{describeChange(change)}</li>
              ))}
            </ul>
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const most = 24;

function Relatives({ searchId, numbers, none }: { searchId: string; numbers: readonly number[]; none: string }) {
  if (numbers.length === 0) return <span class="muted">{none}</span>;
  return (
    <span class="relatives">
      {numbers.slice(0, most).map((number) => (
        <a key={number} href={addresses.candidate(searchId, number)}>
          {number}
        </a>
      ))}
      {numbers.length > most && <span class="muted">and {plural(numbers.length - most, "more", "more")}</span>}
    </span>
  );
}

function describeVariation({ variation, knownDesign, parents }: CandidateDetail): string {
  if (knownDesign) return "A known design, evaluated as a yardstick";
  const sentences: Readonly<Record<string, string>> = {
    sampled: "Drawn at random from the search space",
    "warm-start": "Given by hand to join the first population",
    crossover: "Crossover of two parents, then mutation",
    attraction: "Positions copied from brighter genomes, then mutation",
    mutation: "Mutation of one parent",
  };
  const kind = String(variation.kind ?? "");
  return sentences[kind] ?? (kind ? humanize(kind) : parents.length > 0 ? "Variation" : "Not recorded");
}

function describeChange({ position, gene, from, to }: Change): string {
  return `Position ${position + 1}, ${geneTitle(gene)}: ${valueText(gene, from)} → ${valueText(gene, to)}`;
}

const isDefault = (value: unknown) => value === null || value === undefined;

const geneTitle = (gene: string) => (gene === "liv" ? "operator" : humanize(gene).toLowerCase());

/** A class number is shown as its operator, anything else as it is. */
export function valueText(gene: string, value: unknown): string {
  if (isDefault(value)) return "default";
  const operator = gene === "liv" && typeof value === "number" ? operatorOfClass(value) : null;
  return operator === null ? String(value) : paletteEntry(operator).title;
}
