// Fuzzy in-context recall: keys and values are motifs of one to several tokens, with nothing between them.
//
// arXiv:2403.17844, section 3; generate_fuzzy_in_context_recall_instance of athms/mad-lab. Tests ask for keys of the
// longest size only. Sequences are padded on the left.
import type { Generator } from "../numpy/generator.ts";
import { countMotifs, Motifs } from "./motifs.ts";
import { ignoredTimes, writeShifted } from "./next-token.ts";
import { keysAndValues, noiseConflict, type Task, type TaskOptions } from "./types.ts";

/** Shuffled lists of motifs beyond this are refused: 512 MiB. */
const mostMotifs = 2 ** 27;

interface Pair {
  readonly key: readonly number[];
  readonly value: readonly number[];
}

export const fuzzyInContextRecall: Task = {
  conflict(options) {
    const { keyMotif, valueMotif, length } = options;
    const { keys, values } = layout(options);
    if (keyMotif < 1 || keyMotif > keys.count) return `keyMotif ${keyMotif} needs as many of the ${keys.count} key ids`;
    if (valueMotif < 1 || valueMotif > values.count)
      return `valueMotif ${valueMotif} needs as many of the ${values.count} value ids`;
    if (length <= 2 * (keyMotif + valueMotif))
      return `length ${length} has no room for two pairs of up to ${keyMotif} + ${valueMotif} tokens`;
    const motifs = countMotifs(values.count, valueMotif) + countMotifs(keys.count, keyMotif);
    if (motifs > mostMotifs) return `vocabulary ${options.vocabulary} has ${motifs} motifs, more than ${mostMotifs}`;
    return noiseConflict(options);
  },

  tokens: ({ length }) => length,

  targetClasses: (options) => layout(options).values.count,

  instances(options, { shared }) {
    const { keys, values, noise, padToken, copyToken } = layout(options);
    const { keyMotif, valueMotif } = options;
    const keysBySize = sizesUpTo(keyMotif).map((size) => new Motifs(keys, size));
    const valuesBySize = sizesUpTo(valueMotif).map((size) => new Motifs(values, size));
    const longestKeys = keysBySize.slice(-1);

    return (training, inputs, targets) => {
      const keyLists = training ? keysBySize : longestKeys;
      for (const motifs of [...keyLists, ...valuesBySize]) motifs.reshuffle(shared);
      const drawKeys = () => (training ? pick(keyLists, shared) : (longestKeys[0] as Motifs));
      const drawValues = () => pick(valuesBySize, shared);

      const probeKeys = drawKeys();
      const probeValues = drawValues();
      const probeNumber = probeKeys.draw(shared);
      const probe: Pair = {
        key: probeKeys.tokens(probeNumber),
        value: probeValues.tokens(probeValues.draw(shared)),
      };
      const probeSize = probeKeys.size + probeValues.size;
      const probeFrom = shared.choice(options.length - 2 * probeSize);
      let probeShown = false;

      const tokens: number[] = [];
      const labels: number[] = [];
      const valuesByKey = keysBySize.map(() => new Map<number, readonly number[]>()); // by the key's size and number
      const show = (pair: Pair, known: boolean) => {
        tokens.push(...pair.key, ...pair.value);
        labels.push(...ignoredTimes(pair.key.length));
        labels.push(...(known && options.multiQuery ? pair.value : ignoredTimes(pair.value.length)));
      };

      while (tokens.length < options.length - probeSize - (keyMotif + valueMotif)) {
        const keyList = drawKeys(); // drawn even where the probe or noise takes the place
        const valueList = drawValues();
        if (tokens.length >= probeFrom && !probeShown) {
          show(probe, false);
          valuesByKey[probeKeys.size - 1]?.set(probeNumber, probe.value);
          probeShown = true;
        } else if (options.noiseFraction > 0 && shared.random() < options.noiseFraction) {
          const size = keyList.size + valueList.size;
          tokens.push(...shared.choices(noise.count, size).map((place) => noise.first + place));
          labels.push(...ignoredTimes(size));
        } else {
          const number = keyList.draw(shared);
          const isProbe = keyList === probeKeys && number === probeNumber;
          const stored = valuesByKey[keyList.size - 1] as Map<number, readonly number[]>;
          const known = stored.get(number);
          const value = isProbe ? probe.value : (known ?? valueList.tokens(valueList.draw(shared)));
          show({ key: keyList.tokens(number), value }, known !== undefined);
          stored.set(number, value);
          probeShown ||= isProbe;
        }
      }

      const prefix = options.multiQuery ? [] : [copyToken];
      tokens.push(...prefix, ...probe.key, ...probe.value);
      labels.push(...ignoredTimes(prefix.length + probe.key.length), ...probe.value);
      const padding = options.length + 1 - tokens.length;
      tokens.unshift(...Array<number>(padding).fill(padToken));
      labels.unshift(...ignoredTimes(padding));
      writeShifted({ tokens, labels }, training, inputs, targets);
    };
  },
};

function sizesUpTo(longest: number): number[] {
  return Array.from({ length: longest }, (_, i) => i + 1);
}

function pick(lists: readonly Motifs[], generator: Generator): Motifs {
  return lists[generator.choice(lists.length)] as Motifs;
}

/** The highest ids are the copy token (single query only) and the padding; noise lies above keys and values. */
function layout({ vocabulary, noiseVocabulary, multiQuery }: TaskOptions) {
  const special = multiQuery ? 1 : 2;
  const ordinary = vocabulary - special - noiseVocabulary;
  return {
    ...keysAndValues(ordinary),
    noise: { first: ordinary, count: noiseVocabulary },
    padToken: vocabulary - special,
    copyToken: vocabulary - 1,
  };
}
