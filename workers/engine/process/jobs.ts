// What the worker and its engine process say to each other, and the table of jobs that the process can run.
import type { RemoteError } from "./errors.ts";

/** Runs in the child; may report progress. Requests, reports and results are cloned, so they must be plain data. */
type JobHandler = (request: never, report: (progress: unknown) => void) => Promise<unknown>;
export type JobTable = Readonly<Record<string, JobHandler>>;

export type RequestOf<Job extends JobHandler> = Parameters<Job>[0];
export type ResultOf<Job extends JobHandler> = Awaited<ReturnType<Job>>;
export type ProgressOf<Job extends JobHandler> = Parameters<Parameters<Job>[1]>[0];

export interface JobMessage {
  readonly job: string;
  readonly request: unknown;
}

export type ChildMessage =
  /** The jobs are loaded. */
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly progress: unknown }
  | { readonly kind: "memory"; readonly residentBytes: number }
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly error: RemoteError };

/** The module `name` beside the calling one, TypeScript or compiled like it: for modules that a child loads by URL. */
export function moduleBeside(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith(".ts") ? ".ts" : ".js"}`, importMetaUrl);
}
