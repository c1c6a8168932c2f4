// How long an evaluation may take and how much memory it may hold before it is killed.
import { totalmem } from "node:os";
import type { Genome, SearchConfig } from "../../genome/index.ts";
import type { EvaluationSetting } from "../mad/profiles.ts";
import { trainingFlops } from "../mad/training-flops.ts";

/** What even a slow core does in a second, as floating-point operations of a training step. */
const slowFlopsPerSecond = 1e9;
const shortestTimeoutSeconds = 60;
/** Compiling, making the data set, the start of a process. */
const overheadSeconds = 10;

/** Milliseconds: what the search asks for, else five times the predicted cost and at least a minute. */
export function timeoutMs(genome: Genome, setting: EvaluationSetting, config: SearchConfig["evaluation"]): number {
  return 1000 * (config.timeoutSeconds ?? Math.max(shortestTimeoutSeconds, 5 * predictedSeconds(genome, setting)));
}

export function predictedSeconds(genome: Genome, setting: EvaluationSetting): number {
  return overheadSeconds + trainingFlops(genome, setting) / slowFlopsPerSecond;
}

/** Bytes: what the search asks for, else the worker's share of four fifths of the machine. */
export function memoryBytes({ memoryMb }: SearchConfig["evaluation"], concurrency: number): number {
  return memoryMb === null ? Math.floor((0.8 * totalmem()) / concurrency) : memoryMb * 2 ** 20;
}
