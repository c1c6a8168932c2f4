// Selective copying: repeat the content tokens in order, leaving out the blanks among them.
//
// arXiv:2403.17844, section 3; generate_selective_copying_instance of athms/mad-lab. Blanks are placed with numpy's
// legacy global generator, and never after the last content token.
import { ignored, type Task, type TaskOptions } from "./types.ts";

export const selectiveCopying: Task = {
  conflict({ vocabulary, length, tokensToCopy }) {
    if (vocabulary < 3) return `vocabulary ${vocabulary} has no content beside the blank and the copy token`;
    if (!Number.isInteger(tokensToCopy) || tokensToCopy < 1) return `tokensToCopy ${tokensToCopy} is not at least 1`;
    if (length <= 2 * tokensToCopy + 1) return `length ${length} is not above 2 x ${tokensToCopy} + 1`;
    return null;
  },

  tokens: ({ length }) => length,

  targetClasses: contentTokens,

  instances(options, { shared, legacy }) {
    const { length, tokensToCopy, vocabulary } = options;
    const blanks = length - 2 * tokensToCopy - 1;
    const blankToken = vocabulary - 2;
    const copyToken = vocabulary - 1;

    return (_training, inputs, targets) => {
      const content = shared.choices(contentTokens(options), tokensToCopy);
      const blanksBefore = new Int32Array(tokensToCopy);
      for (const place of legacy.randints(tokensToCopy, blanks))
        blanksBefore[place] = (blanksBefore[place] as number) + 1;

      inputs.fill(blankToken);
      targets.fill(ignored);
      let t = 0;
      for (const [place, token] of content.entries()) {
        t += blanksBefore[place] as number;
        inputs[t++] = token;
      }
      inputs[t] = copyToken;
      targets.set(content, t + 1);
    };
  },
};

function contentTokens({ vocabulary }: TaskOptions): number {
  return vocabulary - 2;
}
