// Noisy in-context recall: in-context recall with pairs of meaningless tokens in between.
//
// arXiv:2403.17844, section 3. The published generator calls the one of in-context recall; what differs is the
// setting (`noiseFraction`, `noiseVocabulary`).
import { inContextRecall } from "./in-context-recall.ts";
import type { Task } from "./types.ts";

export const noisyInContextRecall: Task = inContextRecall;
