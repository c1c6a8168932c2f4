// Compares the generators with recorded draws of numpy: every kind of call, each from a fresh generator of the seed.
import type { ReferenceRecord, ReferenceVerdict } from "../../../operators/reference-case.ts";
import { numbersOf } from "../../../operators/safetensors.ts";
import { Generator } from "../numpy/generator.ts";
import { RandomState } from "../numpy/random-state.ts";
import { arange } from "../numpy/sampling.ts";
import { seedPool, seedWords } from "../numpy/seed-sequence.ts";
import { exactly, unsupported, verdictOf } from "./comparison.ts";

type Draw = () => number | Iterable<number>;
type Kind = (fresh: Generator, legacy: RandomState, a: number, b: number) => Draw;

/** By the record's name of the call, a number for each `#`. A draw is repeated until its tensor is full. */
const kinds: Readonly<Record<string, Kind>> = {
  random: (fresh) => () => fresh.random(),
  "integers_#": (fresh, _, bound) => () => fresh.integers(bound),
  "integers_pow2_#_plus_#": (fresh, _, power, more) => () => fresh.integers(2 ** power + more),
  integers_1_no_draw: (fresh) =>
    afterThree(
      () => fresh.integers(1),
      () => fresh.integers(1000),
    ),
  "choice_list#": (fresh, _, length) => () => 11 * (1 + fresh.choice(length)), // 11, 22, 33 ...
  "choice_int#": (fresh, _, population) => () => fresh.choice(population),
  "choice_rows_#x#": (fresh, _, rows, columns) => () => rowOf(fresh.choice(rows), columns),
  "choice_arange#_size#": (fresh, _, population, size) => () => fresh.choices(population, size),
  "choice_arange#_size#_x#": (fresh, _, population, size) => () => fresh.choices(population, size),
  "shuffle_list#": (fresh, _, length) => shuffledOn(fresh, length),
  "shuffle_list#_x#": (fresh, _, length) => shuffledOn(fresh, length),
  "shuffle_array#": (fresh, _, length) => shuffledOn(fresh, length),
  "permutation_#": (fresh, _, count) => () => fresh.permutation(count),
  "permutation_array#": (fresh, _, count) => () => fresh.permutation(count).map((value) => value + 100),
  normal_standard: (fresh) => () => fresh.standardNormal(),
  "interleaved_int#_random_int#": (fresh, _, first, last) => () => [
    fresh.integers(first),
    fresh.random(),
    fresh.integers(last),
  ],
  "legacy_randint_#_size#": (_, legacy, bound) => () => legacy.randint(bound),
  legacy_random_sample: (_, legacy) => () => legacy.randomSample(),
  legacy_mt19937_u32: (_, legacy) => () => legacy.bits.uint32(),
  "legacy_permutation_#": (_, legacy, count) => () => legacy.permutation(count),
  "legacy_choice_#_replace_size#": (_, legacy, population, size) => () => legacy.choices(population, size),
};

/** Tables of the normal distribution differ in their last digits, see `numpy/ziggurat.ts`. */
const normalTolerance = { rtol: 1e-12, atol: 0 };

export function compareDraws(record: ReferenceRecord): ReferenceVerdict {
  const { seed } = record.description.config as { seed: number };
  const draws = Object.entries(record.tensors).map(([name, tensor]) => ({
    name,
    tensor,
    draw: drawCalled(name, seed),
  }));
  const unknown = draws.find(({ draw }) => draw === null);
  if (unknown) return unsupported(`The draw "${unknown.name}" is not known.`);
  const compared = draws.map(({ name, tensor, draw }) => {
    const published = numbersOf(tensor);
    const tolerance = name.startsWith("normal") ? normalTolerance : exactly;
    return { name, actual: repeated(draw as Draw, published.length), published, tolerance };
  });
  return verdictOf(compared, initialisationNotes(record, seed));
}

function drawCalled(name: string, seed: number): Draw | null {
  const [call, kind] = Object.entries(kinds).find(([call]) => patternOf(call).test(name)) ?? [];
  if (call === undefined || kind === undefined) return null;
  const [a = 0, b = 0] = (patternOf(call).exec(name) ?? []).slice(1).map(Number);
  return kind(new Generator(seed), new RandomState(seed % 2 ** 32), a, b); // numpy makes no legacy draws of larger seeds
}

function patternOf(call: string): RegExp {
  return new RegExp(`^${call.replaceAll("#", "(\\d+)")}$`);
}

/** What differs in the words that a seed is turned into and in raw outputs; beyond 2^53 they are decimal text. */
function initialisationNotes({ description }: ReferenceRecord, seed: number): string[] {
  const published = (description.initialisation ?? {}) as Readonly<Record<string, unknown>>;
  const words = seedWords(seed, 8);
  const start = new Generator(seed);
  const { state, inc } = start.state();
  const rawCount = Array.isArray(published.raw_u64) ? published.raw_u64.length : 0;
  const ours: Readonly<Record<string, unknown>> = {
    seed_sequence_pool_u32: [...seedPool(seed)],
    seed_sequence_words_u64: [0, 2, 4, 6].map((i) => wordPair(words[i] as number, words[i + 1] as number)),
    pcg64_initial_state: String(state),
    pcg64_inc: String(inc),
    raw_u64: Array.from({ length: rawCount }, () => String(start.bits.uint64())),
  };
  return Object.keys(published)
    .filter((name) => JSON.stringify(ours[name]) !== JSON.stringify(published[name]))
    .map((name) => `The initialisation's ${name} differs.`);
}

function wordPair(low: number, high: number): string {
  return String((BigInt(high) << 32n) | BigInt(low));
}

function rowOf(row: number, columns: number): number[] {
  return Array.from({ length: columns }, (_, column) => row * columns + column);
}

/** One list, shuffled again and again. */
function shuffledOn(fresh: Generator, length: number): Draw {
  const list = arange(length);
  return () => fresh.shuffle(list);
}

function afterThree(first: () => number, then: () => number): Draw {
  let made = 0;
  return () => (made++ < 3 ? first() : then());
}

function repeated(draw: Draw, length: number): number[] {
  const values: number[] = [];
  while (values.length < length) {
    const drawn = draw();
    if (typeof drawn === "number") values.push(drawn);
    else values.push(...drawn);
  }
  return values.slice(0, length);
}
