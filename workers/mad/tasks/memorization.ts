// Memorization: values of a map from keys to values that never appears in the input and must be learnt by heart.
//
// arXiv:2403.17844, section 3; generate_memorization_instance and generate_kv_map of athms/mad-lab. The map is drawn
// from a stream of its own, so training and test share it.
import { Generator } from "../numpy/generator.ts";
import { ignored, keysAndValues, noiseConflict, type Task, type TaskOptions } from "./types.ts";

export const memorization: Task = {
  conflict(options) {
    const { keys } = keysAndValues(options.vocabulary - 1);
    if (options.length < 2) return `length ${options.length} is below 2`;
    if (keys.count < 1) return `vocabulary ${options.vocabulary} leaves no keys`;
    if (options.noiseVocabulary > options.vocabulary - 1)
      return `noiseVocabulary ${options.noiseVocabulary} is larger than the vocabulary ${options.vocabulary}`;
    return noiseConflict(options);
  },

  /** Pairs of two tokens; an odd token asked for is left away. */
  tokens: ({ length }) => 2 * Math.floor(length / 2),

  targetClasses: ({ vocabulary }) => keysAndValues(vocabulary - 1).values.count,

  instances(options, { shared, seed }) {
    const { vocabulary, noiseVocabulary, noiseFraction } = options;
    const pairs = Math.floor(options.length / 2);
    const map = [...drawKeyValueMap(options, seed)];
    const insertToken = vocabulary - 1;
    const firstNoise = vocabulary - 1 - noiseVocabulary; // noise ids are the highest value ids

    return (_training, inputs, targets) => {
      const neverNoise = shared.choice(pairs);
      for (let pair = 0; pair < pairs; pair++) {
        if (noiseFraction > 0 && pair !== neverNoise && shared.random() < noiseFraction) {
          inputs.set(
            shared.choices(noiseVocabulary, 2).map((place) => firstNoise + place),
            2 * pair,
          );
          targets.fill(ignored, 2 * pair, 2 * pair + 2);
        } else {
          const [key, value] = map[shared.choice(map.length)] as [number, number];
          inputs.set([key, insertToken], 2 * pair);
          targets.set([ignored, value], 2 * pair);
        }
      }
    };
  },
};

/** Keys with their values, in the order in which instances choose among them. */
export function drawKeyValueMap({ vocabulary }: TaskOptions, seed: number): Map<number, number> {
  const generator = new Generator(seed);
  const { keys, values } = keysAndValues(vocabulary - 1);
  const shuffledKeys = generator.permutation(keys.count);
  const shuffledValues = generator.permutation(values.count);
  return new Map(
    Array.from(shuffledKeys, (key, i) => [keys.first + key, values.first + (shuffledValues[i] as number)]),
  );
}
