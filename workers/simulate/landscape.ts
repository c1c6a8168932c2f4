// A synthetic landscape: what a genome scores on each MAD task, without any training and without noise.
//
// Loosely modelled on the scores published for MAD (Poli et al. 2024, arXiv:2403.17844; for GLA Yang et al.
// 2024, arXiv:2406.06484): a design of one mixer with SwiGLU and default options at width 128 has its published row, a striped
// one comes near it. What a mixer misses of a perfect score is scaled by its options and by sharing. Then
//   recall and copying   the best mixer counts, or the best pair of a gatherer (convolution, recurrence) and an attention
//                        after it, whose misses multiply, as in an induction head;
//   the other tasks      every mixer holds its part: the mean;
//   channel mixers       each should follow a sequence mixer; memorization wants them wide.
// Operators without a row add nothing, so a larger palette leaves the landscape as it is.
import {
  type Genome,
  type OperatorName,
  type Options,
  operatorOfSegment,
  paletteEntry,
  resolveOptions,
  sharingOf,
  type TaskName,
  taskNames,
} from "../../genome/index.ts";

export type TaskScores = Readonly<Record<TaskName, number>>;

/** A guess among MAD's 16 symbols; nothing scores less. */
export const chanceScore = 1 / 16;

interface Mixer {
  readonly gathers: boolean;
  readonly scores: TaskScores;
  /** Scales what the mixer misses; 1 for the default options at width 128. */
  scale(options: Options, width: number): number;
}

const log2 = (value: unknown) => Math.log2(Number(value));
const row = (recall: number, fuzzy: number, noisy: number, copying: number, compression: number, memory: number) => ({
  "in-context-recall": recall,
  "fuzzy-in-context-recall": fuzzy,
  "noisy-in-context-recall": noisy,
  "selective-copying": copying,
  compression,
  memorization: memory,
});

/** The first four are published (the linear attention is GLA's); the others are placed beside them. */
const mixers: Partial<Record<OperatorName, Mixer>> = {
  attention: {
    gathers: false,
    scores: row(0.941, 0.298, 0.868, 0.996, 0.516, 0.852),
    scale: ({ heads, kvHeads, rotary }, width) =>
      (0.9 + 0.1 * Math.abs(log2(width / Number(heads) / 16))) *
      (1 + 0.05 * log2(Number(heads) / (Number(kvHeads) || Number(heads)))) *
      (rotary ? 1 : 1.3),
  },
  hyena: {
    gathers: true,
    scores: row(0.817, 0.079, 0.788, 0.931, 0.452, 0.895),
    scale: ({ filterOrder, innerFactor, projectionGroups, shortFilter }) =>
      (1 - 0.02 * log2(Number(filterOrder) / 4)) *
      (1 + 0.05 * log2(4 / Number(innerFactor))) *
      (1 - 0.02 * log2(4 / Number(projectionGroups))) *
      (shortFilter === 3 ? 1 : 1.02),
  },
  mamba: {
    gathers: true,
    scores: row(0.904, 0.067, 0.901, 0.863, 0.527, 0.895),
    scale: ({ stateSize, convolution, expand }) =>
      (1 - 0.05 * log2(Number(stateSize) / 4)) *
      (1 + 0.03 * (4 - Number(convolution))) *
      (1 + 0.06 * log2(2 / Number(expand))),
  },
  "linear-attention": {
    gathers: false,
    scores: row(0.808, 0.069, 0.816, 0.886, 0.388, 0.633),
    scale: ({ heads, featureMap, featureDim }) =>
      (1 + 0.03 * log2(16 / Number(heads))) *
      (featureMap === "taylor" ? 0.7 : featureMap === "hedgehog" ? 0.8 : 1) *
      (featureDim === 16 ? 0.95 : 1),
  },
  "sliding-attention": {
    gathers: false,
    scores: row(0.7, 0.15, 0.65, 0.75, 0.49, 0.85),
    scale: ({ window }) => 1 - 0.08 * log2(Number(window) / 32),
  },
  s4d: {
    gathers: true,
    scores: row(0.4, 0.05, 0.35, 0.55, 0.45, 0.88),
    scale: ({ stateSize }) => 1 - 0.03 * log2(Number(stateSize) / 64),
  },
  "gated-short-convolution": {
    gathers: true,
    scores: row(0.45, 0.06, 0.4, 0.5, 0.42, 0.89),
    scale: ({ kernel }) => 1 - 0.02 * (Number(kernel) - 3),
  },
  "monarch-mixer": { gathers: true, scores: row(0.6, 0.06, 0.55, 0.8, 0.43, 0.89), scale: () => 1 },
};

/** The operators that the landscape tells apart. */
export const simulatedOperators: readonly OperatorName[] = [
  ...(Object.keys(mixers) as OperatorName[]),
  ...(["swiglu", "mlp"] as const),
];

const recallTasks: readonly TaskName[] = ["in-context-recall", "noisy-in-context-recall", "selective-copying"];

/** In what a position that takes from an earlier one misses more. */
const takerScale = { featurizer: 1.05, features: 1.1 } as const;

/** How much more a channel mixer of this kind forgets than SwiGLU. */
const forgetting = (name: OperatorName, { expansion }: Options) =>
  name === "mlp" ? 1.05 - 0.25 * log2(Number(expansion) / 4) : 1;

/** In [chance, 1]. The genome is valid at `width`. */
export function expectedScores(genome: Genome, width: number): TaskScores {
  const layers = layersOf(genome, width);
  const sequence = layers.filter(({ mixes }) => mixes === "sequence");
  const channel = layers.filter(({ mixes }) => mixes === "channel");
  const followed = sequence.filter(({ position }) => layers[position + 1]?.mixes === "channel").length;
  const coverage = sequence.length === 0 ? 0 : followed / sequence.length;
  const forgets = channel.length === 0 ? 1.5 : mean(channel.map((layer) => forgetting(layer.name, layer.options)));
  return forEachTask((task) => {
    const misses = sequence.map((layer) => ({ ...layer, miss: missOf(layer, task) }));
    const miss = recallTasks.includes(task) ? leastMiss(misses) : mean(misses.map((layer) => layer.miss));
    const skill = 1 - miss * (task === "memorization" ? forgets : 1);
    return Math.max(chanceScore, skill * (0.7 + 0.3 * coverage));
  });
}

interface Layer {
  readonly position: number;
  readonly name: OperatorName;
  readonly options: Options;
  readonly mixes: "sequence" | "channel";
  readonly scale: number;
}

function layersOf(genome: Genome, width: number): Layer[] {
  const sharing = sharingOf(genome);
  return genome.segments.map((segment, position): Layer => {
    const name = operatorOfSegment(segment, position);
    const options = resolveOptions(name, segment.options);
    const shared = sharing[position] ?? null;
    const taking = shared !== null && shared.donor !== position ? takerScale[shared.kind] : 1;
    const scale = (mixers[name]?.scale(options, width) ?? 1) * taking;
    return { position, name, options, mixes: paletteEntry(name).mixes, scale };
  });
}

function missOf({ name, scale }: Layer, task: TaskName): number {
  return Math.min(1, (1 - (mixers[name]?.scores[task] ?? 0)) * scale);
}

/** Of the best mixer alone, or of an attention with the best gatherer before it. */
function leastMiss(layers: readonly (Layer & { readonly miss: number })[]): number {
  let least = 1;
  let gathered = 1;
  for (const { name, miss } of layers) {
    const { gathers = true } = mixers[name] ?? {};
    least = Math.min(least, gathers ? miss : miss * gathered);
    if (gathers) gathered = Math.min(gathered, miss);
  }
  return least;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 1 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function forEachTask(value: (task: TaskName) => number): TaskScores {
  return Object.fromEntries(taskNames.map((task) => [task, value(task)])) as TaskScores;
}
