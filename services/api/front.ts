// Which candidates of a search nothing dominates: computed from compact rows, and kept until a candidate finishes.
import { nonDominated } from "../../genome/dominance.ts";
import { isComparable, toMinimized } from "../../genome/objectives.ts";
import type { Store } from "../platform/store/store.ts";
import type { Search } from "../platform/store/types.ts";

export interface FrontNumbers {
  /** Feasible and non-dominated, by number; known designs too. */
  readonly front: readonly number[];
  /** Every complete known design, by number. */
  readonly knownDesigns: readonly number[];
}

interface Kept {
  /** Number of the last event about a finished candidate when this was computed. */
  readonly event: number;
  readonly numbers: FrontNumbers;
}

const keptSearches = 64;

export class FrontReader {
  readonly #store: Pick<Store, "lastEventId" | "completeCandidates">;
  /** The least recently asked for comes first. */
  readonly #kept = new Map<string, Kept>();

  constructor(store: Pick<Store, "lastEventId" | "completeCandidates">) {
    this.#store = store;
  }

  async read(search: Pick<Search, "id" | "config">): Promise<FrontNumbers> {
    const event = await this.#store.lastEventId({ searchId: search.id, type: "candidate.finished" });
    const kept = this.#kept.get(search.id);
    this.#kept.delete(search.id);
    const numbers = kept?.event === event ? kept.numbers : await this.#compute(search);
    this.#kept.set(search.id, { event, numbers });
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= keptSearches) break;
      this.#kept.delete(id);
    }
    return numbers;
  }

  async #compute({ id, config }: Pick<Search, "id" | "config">): Promise<FrontNumbers> {
    const complete = await this.#store.completeCandidates(id);
    const feasible = complete.filter((one) => one.feasible && isComparable(config.objectives, one));
    const front = nonDominated(feasible.map((candidate) => toMinimized(config.objectives, candidate)));
    return {
      front: front.map((index) => feasible[index]!.number),
      knownDesigns: complete.filter(({ knownDesign }) => knownDesign !== null).map(({ number }) => number),
    };
  }
}
