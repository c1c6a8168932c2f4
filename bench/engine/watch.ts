// When an engine compiles and when its programs run.
import type { Engine } from "../../workers/engine/types.ts";

/** In milliseconds of `performance.now()`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

export interface Watched {
  readonly engine: Engine;
  /** Filled as they end. */
  readonly compilations: readonly Interval[];
  /** Calls of the programs' `run`; on an engine that takes calls in advance they overlap. */
  readonly runs: readonly Interval[];
}

/** The same engine and the same programs (they know each other when state is adopted), with their times taken. */
export function watchEngine(engine: Engine, now = () => performance.now()): Watched {
  const compilations: Interval[] = [];
  const runs: Interval[] = [];
  const taken = async <Result>(intervals: Interval[], action: () => Promise<Result>): Promise<Result> => {
    const start = now();
    const result = await action();
    intervals.push({ start, end: now() });
    return result;
  };
  return {
    compilations,
    runs,
    engine: {
      ...engine,
      async compile(step, initial) {
        const program = await taken(compilations, () => engine.compile(step, initial));
        const run = program.run.bind(program);
        program.run = (steps, batches) => taken(runs, () => run(steps, batches));
        return program;
      },
    },
  };
}

/** How long at least one of them lasts. */
export function coveredMs(intervals: readonly Interval[]): number {
  let covered = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const { start, end } of intervals.toSorted((a, b) => a.start - b.start)) {
    covered += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return covered;
}
