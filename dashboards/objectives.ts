// What each objective is called and how its values read; which way is better is the genome's word.
import {
  type ObjectiveName,
  objectiveDirections,
  objectiveValue,
  type TaskName,
  type TaskObjective,
  taskNames,
} from "../genome/index.ts";
import { formatBytes, formatCompact, formatNumber, formatScore, humanize, unknown } from "./format.ts";

export { type ObjectiveName, objectiveValue };
export const objectiveNames = Object.keys(objectiveDirections) as ObjectiveName[];

export interface ObjectiveText {
  readonly title: string;
  /** Superlative for "best so far". */
  readonly best: string;
  /** Axis title with its unit. */
  readonly axis: (contextLength: number) => string;
  readonly format: (value: number | null) => string;
  /** What a limit is typed in. */
  readonly unit: string;
}

export const objectives: Readonly<Record<ObjectiveName, ObjectiveText>> = {
  score: {
    title: "Score",
    best: "Best score",
    axis: () => "Score (mean accuracy over the tasks)",
    format: formatScore,
    unit: "0 to 1",
  },
  parameters: {
    title: "Parameters",
    best: "Fewest parameters",
    axis: () => "Parameters (trainable numbers in operators)",
    format: formatCompact,
    unit: "count",
  },
  stateBytes: {
    title: "State",
    best: "Smallest state",
    axis: (contextLength) => `State (bytes per sequence after ${contextLength.toLocaleString("en")} tokens)`,
    format: formatBytes,
    unit: "bytes",
  },
  flopsPerToken: {
    title: "FLOPs per token",
    best: "Fewest FLOPs per token",
    axis: () => "FLOPs per token (forward)",
    format: formatCompact,
    unit: "count",
  },
  stepMs: {
    title: "Step time",
    best: "Shortest step",
    axis: () => "Step time (milliseconds of a training step)",
    format: (value) => (value === null ? unknown : `${formatNumber(value)} ms`),
    unit: "milliseconds",
  },
  ...(Object.fromEntries(taskNames.map((task) => [`score:${task}`, taskText(task)])) as Record<
    TaskObjective,
    ObjectiveText
  >),
};

function taskText(task: TaskName): ObjectiveText {
  const name = humanize(task);
  return { title: name, best: `Best: ${name}`, axis: () => `${name} (accuracy)`, format: formatScore, unit: "0 to 1" };
}

export function isObjective(name: string): name is ObjectiveName {
  return Object.hasOwn(objectiveDirections, name);
}

export function objectiveText(name: string): ObjectiveText {
  if (isObjective(name)) return objectives[name];
  return { title: name, best: name, axis: () => name, format: formatCompact, unit: "" };
}

/** Is a at least as good as b in this objective? */
export function isAsGood(name: ObjectiveName, a: number, b: number): boolean {
  return objectiveDirections[name] === "minimize" ? a <= b : a >= b;
}
