// What each objective is called, which way is better and how its values read.
import type { Candidate } from "./api.ts";
import { formatBytes, formatCompact, formatScore } from "./format.ts";

export const objectiveNames = ["score", "parameters", "stateBytes", "flopsPerToken"] as const;
export type ObjectiveName = (typeof objectiveNames)[number];

export interface ObjectiveText {
  readonly title: string;
  /** Superlative for "best so far". */
  readonly best: string;
  /** Axis title with its unit. */
  readonly axis: (contextLength: number) => string;
  readonly direction: "minimize" | "maximize";
  readonly format: (value: number | null) => string;
}

export const objectives: Readonly<Record<ObjectiveName, ObjectiveText>> = {
  score: {
    title: "Score",
    best: "Best score",
    axis: () => "Score (mean accuracy over the tasks)",
    direction: "maximize",
    format: formatScore,
  },
  parameters: {
    title: "Parameters",
    best: "Fewest parameters",
    axis: () => "Parameters (trainable numbers in operators)",
    direction: "minimize",
    format: formatCompact,
  },
  stateBytes: {
    title: "State",
    best: "Smallest state",
    axis: (contextLength) => `State (bytes per sequence after ${contextLength.toLocaleString("en")} tokens)`,
    direction: "minimize",
    format: formatBytes,
  },
  flopsPerToken: {
    title: "FLOPs per token",
    best: "Fewest FLOPs per token",
    axis: () => "FLOPs per token (forward)",
    direction: "minimize",
    format: formatCompact,
  },
};

export function isObjective(name: string): name is ObjectiveName {
  return (objectiveNames as readonly string[]).includes(name);
}

export function objectiveText(name: string): ObjectiveText {
  if (isObjective(name)) return objectives[name];
  return { title: name, best: name, axis: () => name, direction: "minimize", format: formatCompact };
}

/** Null while a score is not known yet. */
export function objectiveValue(candidate: Candidate, name: ObjectiveName): number | null {
  return candidate[name];
}

/** Is a at least as good as b in this objective? */
export function isAsGood(name: ObjectiveName, a: number, b: number): boolean {
  return objectives[name].direction === "minimize" ? a <= b : a >= b;
}
