// A synthetic landscape with a known optimum: what a candidate scores, without any training.
import {
  type AlgorithmName,
  type AlgorithmState,
  algorithmNamed,
  type Genome,
  type Grammar,
  genomeCosts,
  operatorNames,
  operatorOfSegment,
  type Proposal,
  parseGenome,
  Random,
  type Result,
  referencePoint,
  relativeHypervolume,
  resolveOptions,
  type Setup,
  searchConfig,
  toMinimized,
} from "../../genome/index.ts";

export const shape = { width: 64, length: 64 };
export const contextLength = 4096;
export const grammar: Grammar = { depth: 6, operators: operatorNames, layout: "free", shape };

const objectives = searchConfig.parse({ objectives: [{ name: "score" }, { name: "stateBytes" }] }).objectives;
export const reference = referencePoint(objectives, shape, contextLength);

const recall = { attention: 1, "sliding-attention": 0.6, "linear-attention": 0.55, mamba: 0.5, s4d: 0.2 } as const;

/** Rewards one strong recall mixer, channel mixers after sequence mixers, and wide states; the best known score is 1. */
export function scoreOf(genome: Genome): number {
  const names = genome.segments.map(operatorOfSegment);
  const best = Math.max(0, ...names.map((name) => recall[name as keyof typeof recall] ?? 0));
  const alternations = names.filter((name, i) => i % 2 === 1 && (name === "swiglu" || name === "mlp")).length;
  const convolutions = Math.min(
    2,
    names.filter((name) => name === "gated-short-convolution" || name === "hyena").length,
  );
  const heads = genome.segments.some((segment, i) => {
    const options = resolveOptions(names[i]!, segment.options);
    return names[i] === "attention" && options.heads === 8 && options.kvHeads === 2;
  });
  return 0.4 * best + 0.3 * (alternations / 3) + 0.2 * (convolutions / 2) + (heads ? 0.1 : 0);
}

export function evaluate({ number, genome, hash }: Proposal): Result {
  const parsed = parseGenome(genome, shape);
  const values = { score: scoreOf(parsed), ...genomeCosts(parsed, shape, contextLength) };
  return { number, genome, hash, objectives: toMinimized(objectives, values), violation: 0, ok: true };
}

export function setupOf(name: AlgorithmName, changes: Partial<Omit<Setup, "options">> = {}): Setup {
  const options = searchConfig.parse({ algorithm: { name } }).algorithm;
  return {
    options,
    grammar,
    warmStart: [],
    firstNumber: 0,
    objectives,
    contextLength,
    deterministic: true,
    ...changes,
  };
}

export interface Run {
  readonly proposals: readonly Proposal[];
  readonly state: AlgorithmState;
  readonly hypervolume: number;
}

/** How a run asks and tells; the defaults take one at a time, in order. */
export interface Manner {
  /** Proposals wanted at each `ask`. */
  readonly batch?: number;
  /** What is done with the state between calls. */
  readonly store?: (state: AlgorithmState) => AlgorithmState;
  /** Results in the order in which they are told. */
  readonly order?: (results: readonly Result[]) => readonly Result[];
  readonly evaluate?: (proposal: Proposal) => Result;
}

/** Asks and tells until `budget` candidates have been proposed and told. */
export function runSearch(setup: Setup, seed: number, budget: number, manner: Manner = {}): Run {
  const { batch = 1, store = (state) => state, order = (results) => results } = manner;
  const algorithm = algorithmNamed(setup.options.name);
  let state = store(algorithm.init(setup, seed));
  const proposals: Proposal[] = [];
  const results: Result[] = [];
  const known = new Set<string>();
  let pending: Result[] = [];
  while (proposals.length < budget || pending.length > 0) {
    const asked = algorithm.ask(state, Math.min(batch, budget - proposals.length), known);
    for (const { hash } of asked.proposals) known.add(hash);
    state = store(asked.state);
    proposals.push(...asked.proposals);
    pending.push(...asked.proposals.map(manner.evaluate ?? evaluate));
    if (asked.proposals.length > 0 && batch > 1) continue; // ask until it waits
    const told = order(pending);
    state = store(algorithm.tell(state, told));
    results.push(...told);
    pending = [];
  }
  const points = results
    .map((result) => result.objectives)
    .filter((point) => point.length > 0 && point.every(Number.isFinite));
  return { proposals, state, hypervolume: relativeHypervolume(points, reference) };
}

export const shuffled = (seed: number) => (results: readonly Result[]) => new Random(seed).shuffle(results);

/**
 * The same with `workers` that take random times, so that results come late and out of order; every third is told twice.
 * Also counts how often a worker was idle although it asked.
 */
export function runWorkers(
  setup: Setup,
  seed: number,
  budget: number,
  { workers, delays, evaluate: score = evaluate }: { workers: number; delays: number; evaluate?: typeof evaluate },
): { proposals: readonly Proposal[]; idle: number } {
  const algorithm = algorithmNamed(setup.options.name);
  const random = new Random(delays);
  let state = algorithm.init(setup, seed);
  const proposals: Proposal[] = [];
  const known = new Set<string>();
  let running: { proposal: Proposal; end: number }[] = [];
  let now = 0;
  let idle = 0;
  while (proposals.length < budget || running.length > 0) {
    const wanted = Math.min(workers - running.length, budget - proposals.length);
    const asked = algorithm.ask(state, wanted, known);
    for (const { hash } of asked.proposals) known.add(hash);
    idle += wanted - asked.proposals.length;
    proposals.push(...asked.proposals);
    const startedAt = now;
    running.push(...asked.proposals.map((proposal) => ({ proposal, end: startedAt + random.uniform() ** 3 })));
    running.sort((a, b) => a.end - b.end || a.proposal.number - b.proposal.number);
    const [first, ...rest] = running;
    if (first === undefined) throw new Error(`${setup.options.name} proposes nothing and waits for nothing`);
    running = rest;
    now = first.end;
    const result = score(first.proposal);
    state = algorithm.tell(asked.state, result.number % 3 === 0 ? [result, result] : [result]);
  }
  return { proposals, idle };
}
