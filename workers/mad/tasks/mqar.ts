// MQAR, multi-query associative recall: pairs first, then their keys again at gaps that follow a power law.
//
// Arora et al. 2023, "Zoology", arXiv:2312.04927; zoology/data/multiquery_ar.py. A check of the generators against a
// seventh task, outside the MAD score. The published code fails for more than one pass over the pairs; so does this.
import { Mt19937 } from "../numpy/mt19937.ts";
import { RandomState } from "../numpy/random-state.ts";
import { ignored } from "./types.ts";

export interface MqarOptions {
  readonly vocabulary: number;
  readonly examples: number;
  /** T, an even number below the vocabulary. */
  readonly length: number;
  readonly pairs: number;
  /** Exponent a of the gap law p(i) ~ i^(a - 1); 1 is uniform. */
  readonly powerA: number;
  readonly passes: number;
  /** Whether blanks (0) are filled with tokens drawn uniformly, which may collide with keys and values. */
  readonly fillBlanks: boolean;
}

/** Inputs and targets [N, T]; the value of a key is the target at the key's second place. */
export function generateMqar(options: MqarOptions, seed: number): { inputs: Int32Array; targets: Int32Array } {
  const conflict = mqarConflict(options);
  if (conflict) throw new RangeError(`mqar: ${conflict}`);
  const { vocabulary, examples, length, pairs } = options;
  const keyIds = Math.floor(vocabulary / 2);
  const random = new RandomState(seed);
  // Each kind is drawn for all examples before the next kind.
  const keys = times(examples, () => random.choices(keyIds - 1, pairs, { replace: false }).map((id) => id + 1));
  const values = times(examples, () =>
    random.choices(vocabulary - keyIds, pairs, { replace: false }).map((id) => id + keyIds),
  );
  const law = gapLaw((length - 2 * pairs) / 2, options.powerA);
  const gaps = times(examples, () => random.choices(law.length, pairs, { replace: false, p: law }));

  const inputs = new Int32Array(examples * length);
  const targets = new Int32Array(examples * length).fill(ignored);
  for (let example = 0; example < examples; example++) {
    for (let pair = 0; pair < pairs; pair++) {
      const start = example * length;
      const key = keys[example]?.[pair] as number;
      const value = values[example]?.[pair] as number;
      const query = start + 2 * pairs + 2 * (gaps[example]?.[pair] as number);
      inputs.set([key, value], start + 2 * pair);
      inputs[query] = key;
      targets[query] = value;
    }
  }
  if (options.fillBlanks) fillBlanks(inputs, vocabulary, seed);
  return { inputs, targets };
}

function mqarConflict({ vocabulary, length, pairs, passes, powerA }: MqarOptions): string | null {
  if (length % 2 !== 0) return `length ${length} is not even`;
  if (vocabulary <= length) return `vocabulary ${vocabulary} is not above the length ${length}`;
  if (passes !== 1) return `${passes} passes; the published code works for 1 only`;
  if (pairs < 1 || 4 * pairs > length) return `${pairs} pairs and their queries do not fit into ${length} tokens`;
  if (powerA === 0) return "powerA is 0: every gap would have probability 0";
  return null;
}

function gapLaw(space: number, powerA: number): number[] {
  const weights = Array.from({ length: space }, (_, i) => powerA * (i + 1) ** (powerA - 1));
  const sum = weights.reduce((total, value) => total + value, 0);
  return weights.map((value) => value / sum);
}

/** Draws for every position, as the published code does with torch's MT19937 (`randint`: a 32-bit draw modulo V). */
function fillBlanks(inputs: Int32Array, vocabulary: number, seed: number): void {
  const bits = new Mt19937(seed);
  for (let i = 0; i < inputs.length; i++) {
    const filler = bits.uint32() % vocabulary;
    if (inputs[i] === 0) inputs[i] = filler;
  }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
