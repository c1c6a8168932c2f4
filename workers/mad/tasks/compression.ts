// Compression: the whole sequence is to be restored from the model's state at its last token.
//
// arXiv:2403.17844, section 3; generate_compression_instance of athms/mad-lab. Noise tokens are targets too: the
// published code builds masked targets and returns the inputs instead.
import { noiseConflict, type Task } from "./types.ts";

export const compression: Task = {
  conflict(options) {
    if (options.length < 2) return `length ${options.length} is below 2`;
    if (options.vocabulary - 1 - options.noiseVocabulary < 1) return `vocabulary ${options.vocabulary} has no content`;
    return noiseConflict(options);
  },

  tokens: ({ length }) => length,

  targetClasses: ({ vocabulary }) => vocabulary - 1,

  instances({ vocabulary, length, noiseVocabulary, noiseFraction }, { shared }) {
    const content = vocabulary - 1 - noiseVocabulary;
    const compressionToken = vocabulary - 1;

    return (_training, inputs, targets) => {
      inputs.set(shared.choices(content, length - 1));
      inputs[length - 1] = compressionToken;
      for (let t = 0; noiseFraction > 0 && t < length - 1; t++) {
        if (shared.random() < noiseFraction) inputs[t] = content + shared.choice(noiseVocabulary);
      }
      targets.set(inputs);
    };
  },
};
