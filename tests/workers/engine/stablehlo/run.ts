// A step lowered to StableHLO and run by the interpreter, its arguments and results by name.
import { type StableHloOptions, stableHloProgram } from "../../../../workers/engine/stablehlo/program.ts";
import type { Step, Values } from "../../../../workers/engine/types.ts";
import { type Interpreted, interpret, type Numbers, sizeOf } from "./interpreter.ts";

export interface Run {
  readonly state: Record<string, Numbers>;
  /** One slice for each step of the capacity. */
  readonly outputs: Record<string, Numbers>;
}

/** A program that runs any number of steps from given state. */
export function lowered(step: Step, options: StableHloOptions) {
  const program = stableHloProgram(step, options);
  const module: Interpreted = interpret(program.text);
  const run = (
    steps: number,
    { state, constants, batch = {} }: { state: Values; constants: Values; batch?: Values },
  ): Run => {
    const given = program.arguments.map(({ name, kind, spec }) => {
      if (kind === "count") return Int32Array.of(steps);
      const known = { state, constants, batch }[kind][name] as Float32Array | Int32Array;
      if (kind !== "batch") return known;
      const padded = spec.dtype === "int32" ? new Int32Array(sizeOf(spec.shape)) : new Float32Array(sizeOf(spec.shape));
      padded.set(known);
      return padded;
    });
    const results = module.run(given);
    const named = (kind: "state" | "outputs") =>
      Object.fromEntries(
        program.results.flatMap((entry, i): [string, Numbers][] =>
          entry.kind === kind ? [[entry.name, results[i]!]] : [],
        ),
      );
    return { state: named("state"), outputs: named("outputs") };
  };
  return { program, module, run };
}
