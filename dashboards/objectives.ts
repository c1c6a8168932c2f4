// What each objective is called and how its values read; which way is better is the genome's word.
import { type ObjectiveName, objectiveDirections } from "../genome/index.ts";
import type { Candidate } from "./api.ts";
import { formatBytes, formatCompact, formatScore } from "./format.ts";

export type { ObjectiveName };
export const objectiveNames = Object.keys(objectiveDirections) as ObjectiveName[];

export interface ObjectiveText {
  readonly title: string;
  /** Superlative for "best so far". */
  readonly best: string;
  /** Axis title with its unit. */
  readonly axis: (contextLength: number) => string;
  readonly format: (value: number | null) => string;
}

export const objectives: Readonly<Record<ObjectiveName, ObjectiveText>> = {
  score: {
    title: "Score",
    best: "Best score",
    axis: () => "Score (mean accuracy over the tasks)",
    format: formatScore,
  },
  parameters: {
    title: "Parameters",
    best: "Fewest parameters",
    axis: () => "Parameters (trainable numbers in operators)",
    format: formatCompact,
  },
  stateBytes: {
    title: "State",
    best: "Smallest state",
    axis: (contextLength) => `State (bytes per sequence after ${contextLength.toLocaleString("en")} tokens)`,
    format: formatBytes,
  },
  flopsPerToken: {
    title: "FLOPs per token",
    best: "Fewest FLOPs per token",
    axis: () => "FLOPs per token (forward)",
    format: formatCompact,
  },
};

export function isObjective(name: string): name is ObjectiveName {
  return Object.hasOwn(objectiveDirections, name);
}

export function objectiveText(name: string): ObjectiveText {
  if (isObjective(name)) return objectives[name];
  return { title: name, best: name, axis: () => name, format: formatCompact };
}

/** Null while a score is not known yet. */
export function objectiveValue(candidate: Candidate, name: ObjectiveName): number | null {
  return candidate[name];
}

/** Is a at least as good as b in this objective? */
export function isAsGood(name: ObjectiveName, a: number, b: number): boolean {
  return objectiveDirections[name] === "minimize" ? a <= b : a >= b;
}
