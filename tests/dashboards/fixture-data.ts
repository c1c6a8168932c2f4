// Answers of a service that does not exist: one small search that looks like a real one, one of 100,000 candidates,
// and one whose every name tries to run a script.
import {
  formatGenome,
  genomeCosts,
  knownDesigns,
  operatorNames,
  paletteEntry,
  parseGenome,
  searchConfig,
  segmentCosts,
  taskNames,
} from "../../genome/index.ts";
import type {
  Candidate,
  CandidateDetail,
  Evaluation,
  Front,
  Hypervolume,
  Search,
  SearchSummary,
  WorkerInfo,
} from "../../services/api/schemas.ts";

export const shape = { width: 128, length: 128 };
export const contextLength = 4096;
export const attack = `<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>`;

const start = Date.now() - 736_000;
const at = (seconds: number) => new Date(start + 1000 * seconds).toISOString();

/** Weyl's sequence: spread evenly over [0, 1), the same in every run. */
const spread = (i: number, step: number) => (i * step) % 1;

const livs = operatorNames.map((name) => paletteEntry(name).liv);
const sequenceLivs = livs.filter((liv) => liv !== 9 && liv !== 22);

function genomeOf(number: number): string {
  const pick = (salt: number) =>
    sequenceLivs[Math.floor(spread(number * 7 + salt, 0.618034) * sequenceLivs.length)] ?? 1;
  const mixer = number % 5 === 3 ? 22 : 9;
  const segment = (liv: number) => ({
    liv,
    featurizerGroup: 1,
    featurizerStrategy: 1,
    featureGroup: 1,
    featureStrategy: 1,
  });
  return formatGenome({ segments: [pick(1), mixer, pick(4), 9].map(segment) });
}

function candidateOf(searchId: string, number: number, genome: string, knownDesign: string | null): Candidate {
  const costs = genomeCosts(parseGenome(genome), shape, contextLength);
  const base = 0.46 + 0.42 * (1 - 2.2 ** -(number / 20)) * spread(number + 3, 0.754878) + (knownDesign ? 0.16 : 0);
  const taskScores = Object.fromEntries(
    taskNames.map((task, i) => [task, Math.min(0.998, base * (0.72 + 0.55 * spread(number * 6 + i + 1, 0.618034)))]),
  );
  const score = Object.values(taskScores).reduce((sum, value) => sum + value, 0) / taskNames.length;
  return {
    id: `c-${searchId}-${number}`,
    searchId,
    number,
    generation: Math.floor(number / 16),
    genome,
    genomeHash: number.toString(16).padStart(64, "0"),
    knownDesign,
    state: "complete",
    outcome: "scored",
    reason: null,
    message: null,
    parents: number < 20 || knownDesign ? [] : [number - 13, number - 9],
    variation: variationOf(number, knownDesign),
    ...costs,
    score,
    taskScores,
    ...{ rung: 0, cohort: null, isFinal: true, rungScores: [] },
    ...{ paidEvaluations: 5, paidFlops: 1e13, deviceSeconds: 105 },
    stepMs: 4 + 30 * spread(number, 0.618034),
    feasible: true,
    createdAt: at(number * 9),
    finishedAt: at(number * 9 + 20),
  };
}

function variationOf(number: number, knownDesign: string | null): Record<string, unknown> {
  if (knownDesign) return { kind: "known-design", parents: [], changes: [] };
  if (number < 20) return { kind: "sampled", parents: [], changes: [] };
  return {
    kind: "crossover",
    parents: [number - 13, number - 9],
    changes: [
      { position: 2, gene: "liv", from: 1, to: 8 },
      { position: 0, gene: "heads", from: null, to: 8 },
    ],
  };
}

export function candidatesOf(searchId: string, count: number): Candidate[] {
  const designs = Object.entries(knownDesigns)
    .slice(0, 4)
    .map(([name, { genome }], i) => candidateOf(searchId, i, genome, name));
  const rest = Array.from({ length: count - designs.length }, (_, i) => {
    const number = i + designs.length;
    return candidateOf(searchId, number, genomeOf(number), null);
  });
  const failed = rest[9];
  if (failed) {
    const nothing = { outcome: null, score: null, taskScores: {} };
    Object.assign(failed, nothing, { state: "failed", reason: "timeout", message: "killed after 60 s" });
  }
  const diverged = rest[14];
  if (diverged) Object.assign(diverged, { outcome: "diverged", score: 0.08 });
  return [...designs, ...rest];
}

export function frontOf(candidates: readonly Candidate[], objectives: Search["objectives"]): Front {
  const able = candidates.filter(({ state }) => state === "complete");
  const value = (c: Candidate) => [-(c.score ?? 0), c.parameters, c.stateBytes];
  const dominates = (a: Candidate, b: Candidate) => {
    const [va, vb] = [value(a), value(b)];
    return va.every((v, i) => v <= (vb[i] ?? 0)) && va.some((v, i) => v < (vb[i] ?? 0));
  };
  return {
    objectives,
    front: able.filter((one) => !able.some((other) => dominates(other, one))),
    knownDesigns: candidates.filter(({ knownDesign }) => knownDesign !== null),
  };
}

export function hypervolumeOf(count: number): Hypervolume {
  return {
    referencePoint: { score: 0.31, parameters: 812_000, stateBytes: 9_000_000 },
    points: Array.from({ length: count }, (_, i) => ({
      number: i,
      at: at(i * 9),
      trainSeconds: i * 17.5,
      hypervolume: 0.71 * (1 - 2 ** -(Math.floor(i / 3) / 6)),
    })),
  };
}

export function searchOf(id: string, name: string, count: number, budget: number): Search {
  const config = searchConfig.parse({ name, budget: { candidates: budget }, profile: "fast" });
  const zero = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0, cancelled: 0 };
  return {
    id,
    name,
    state: "running",
    reason: null,
    profile: config.profile,
    algorithm: config.algorithm.name,
    objectives: config.objectives.map((objective) => ({
      name: objective.name,
      direction: objective.name === "score" ? "maximize" : "minimize",
      limit: null,
    })),
    budget: { candidates: budget, evaluations: null, wallSeconds: null, deviceSeconds: 7200, flops: null },
    spent: { candidates: count - 4, evaluations: 6 * count, wallSeconds: 734, deviceSeconds: 2520, flops: 3e14 },
    candidates: { ...zero, complete: count - 8, failed: 1, running: 3, waiting: 4 },
    knownDesigns: 4,
    best: { score: 0.813, parameters: 66_048, stateBytes: 24_576 },
    hypervolume: 0.5912,
    createdAt: at(0),
    startedAt: at(2),
    finishedAt: null,
    config,
    generation: Math.floor(count / 16),
    reused: 12,
    evaluations: { ...zero, complete: 6 * (count - 8), failed: 9, running: 3, waiting: 24 },
    failuresByReason: { timeout: 5, oom: 3, "worker-lost": 1 },
    referencePoint: { score: 0.31, parameters: 812_000, stateBytes: 9_000_000 },
    elapsedSeconds: 734,
    candidatesPerHour: 208.4,
    etaSeconds: 371,
  };
}

export function summaryOf(search: Search): SearchSummary {
  const { config, generation, evaluations, reused, failuresByReason, referencePoint, ...rest } = search;
  const { elapsedSeconds, candidatesPerHour, etaSeconds, ...summary } = rest;
  return summary;
}

export function detailOf(candidate: Candidate): CandidateDetail {
  const genome = parseGenome(candidate.genome);
  return {
    ...candidate,
    segments: genome.segments.map((segment) => ({ ...segment })),
    shape,
    costs: segmentCosts(genome, shape, contextLength).map((costs) => ({ ...costs })),
    children: [candidate.number + 9, candidate.number + 13],
    evaluations: taskNames.map((task, i) => evaluationOf(candidate, task, i)),
  };
}

function evaluationOf(candidate: Candidate, task: string, index: number): Evaluation {
  const score = candidate.taskScores[task] ?? null;
  const ended = score !== null;
  return {
    id: `e-${candidate.number}-${index}`,
    candidateId: candidate.id,
    rung: candidate.rung,
    task,
    setting: { key: `fast/${task}`, data: { task, vocabulary: 16, length: 128, trainExamples: 800 } },
    state: ended ? "complete" : candidate.state,
    outcome: ended ? "scored" : null,
    reason: candidate.reason,
    message: candidate.message,
    score,
    metrics: {},
    curve: ended ? curveOf(score, index) : [],
    attempt: 1,
    workerId: "w-1",
    engine: "onnx-cpu",
    trainSeconds: ended ? 17.5 + index : null,
    stepMs: ended ? 12.5 : null,
    flops: 2e12,
    deviceSeconds: ended ? 17.5 + index : 0,
    reusedFrom: index === 4 ? "abc-1-4" : null,
    createdAt: at(0),
    startedAt: at(1),
    finishedAt: ended ? at(19) : null,
  };
}

function curveOf(score: number, salt: number): Evaluation["curve"] {
  return Array.from({ length: 29 }, (_, i) => {
    const done = 1 - 2 ** (-i / 6);
    const noise = 0.06 * (spread(i * 3 + salt, 0.618034) - 0.5);
    return {
      step: i * 50,
      trainLoss: 2.8 - (1.6 + score) * done + noise,
      testLoss: i % 4 === 0 ? 2.85 - (1.45 + score) * done : null,
      testAccuracy: i % 4 === 0 ? score * done : null,
    };
  });
}

export function workersAt(now: Date): WorkerInfo[] {
  const ago = (seconds: number) => new Date(now.getTime() - 1000 * seconds).toISOString();
  const worker = (id: string, host: string, engine: string, concurrency: number, running: string[], beat: number) => ({
    id,
    host,
    pid: 4100 + Number(id.slice(2)),
    engine,
    concurrency,
    state: beat > 60 ? ("offline" as const) : ("online" as const),
    running,
    startedAt: ago(4000),
    heartbeatAt: ago(beat),
  });
  return [
    worker("w-1", "lark", "onnx-cpu", 2, ["e-44-0", "e-44-1"], 3),
    worker("w-2", "heron", "xla-cuda", 4, ["e-45-0"], 1),
    worker("w-3", "wren", "onnx-cpu", 2, [], 2400),
  ];
}
