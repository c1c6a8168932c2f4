// In-context recall: pairs of key and value, whose values are asked for where a key comes again.
//
// arXiv:2403.17844, section 3; generate_in_context_recall_instance of athms/mad-lab. With noise it is the noisy task.
import { ignoredTimes, writeShifted } from "./next-token.ts";
import { ignored, keysAndValues, noiseConflict, type Task, type TaskOptions } from "./types.ts";

export const inContextRecall: Task = {
  conflict(options) {
    const { keys } = layout(options);
    if (options.length % 2 !== 0 || options.length < 4) return `length ${options.length} is not an even number above 2`;
    if (keys.count < 1) return `vocabulary ${options.vocabulary} leaves no keys`;
    return noiseConflict(options);
  },

  /** The last token is only a target; the single-query form has a copy token more. */
  tokens: ({ length, multiQuery }) => (multiQuery ? length - 1 : length),

  targetClasses: (options) => layout(options).values.count,

  instances(options, { shared }) {
    const { keys, values, noise, copyToken } = layout(options);
    const pairs = options.length / 2;

    return (training, inputs, targets) => {
      const tokens: number[] = [];
      const labels: number[] = [];
      const valueByKey = new Map<number, number>(); // in the order in which keys first appear
      const neverNoise = shared.choice(pairs); // may be the last pair, which the loop does not reach

      for (let pair = 0; pair < pairs - 1; pair++) {
        const isNoise = options.noiseFraction > 0 && pair !== neverNoise && shared.random() < options.noiseFraction;
        if (isNoise) {
          tokens.push(noise.first + shared.choice(noise.count), noise.first + shared.choice(noise.count));
          labels.push(ignored, ignored);
          continue;
        }
        const key = keys.first + shared.choice(keys.count);
        const known = valueByKey.get(key);
        const value = known ?? values.first + shared.choice(values.count);
        valueByKey.set(key, value);
        tokens.push(key, value);
        labels.push(ignored, options.multiQuery && known !== undefined ? value : ignored);
      }

      const shown = [...valueByKey.keys()];
      if (shown.length === 0) throw new Error(`an instance of ${pairs} pairs came out as noise alone`);
      const asked = shown[shared.choice(shown.length)] as number;
      const answer = valueByKey.get(asked) as number;
      const prefix = options.multiQuery ? [] : [copyToken];
      tokens.push(...prefix, asked, answer);
      labels.push(...ignoredTimes(prefix.length), ignored, answer);
      writeShifted({ tokens, labels }, training, inputs, targets);
    };
  },
};

/** The highest id is the copy token of the single-query form; noise lies above keys and values. */
function layout({ vocabulary, noiseVocabulary, multiQuery }: TaskOptions) {
  const ordinary = vocabulary - noiseVocabulary - (multiQuery ? 0 : 1);
  return {
    ...keysAndValues(ordinary),
    noise: { first: ordinary, count: noiseVocabulary },
    copyToken: vocabulary - 1,
  };
}
