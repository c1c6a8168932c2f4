// The six tasks by name.
import type { TaskName } from "../../../genome/index.ts";
import { compression } from "./compression.ts";
import { fuzzyInContextRecall } from "./fuzzy-in-context-recall.ts";
import { inContextRecall } from "./in-context-recall.ts";
import { memorization } from "./memorization.ts";
import { noisyInContextRecall } from "./noisy-in-context-recall.ts";
import { selectiveCopying } from "./selective-copying.ts";
import type { Task } from "./types.ts";

export const tasks = {
  "in-context-recall": inContextRecall,
  "fuzzy-in-context-recall": fuzzyInContextRecall,
  "noisy-in-context-recall": noisyInContextRecall,
  "selective-copying": selectiveCopying,
  compression,
  memorization,
} satisfies Record<TaskName, Task>;
