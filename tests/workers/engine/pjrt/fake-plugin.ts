// Builds the fake plugin and looks inside it; and steps that it knows how to run.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import koffi from "koffi";
import type { Lower } from "../../../../workers/engine/pjrt/lowered.ts";
import type { Step, TensorSpec } from "../../../../workers/engine/types.ts";

const source = fileURLToPath(new URL("fake-plugin.c", import.meta.url));

export interface Counters {
  readonly errors: number;
  readonly events: number;
  readonly buffers: number;
  readonly executables: number;
  readonly clients: number;
  readonly serialized: number;
  readonly compilations: number;
  readonly loads: number;
  readonly executions: number;
  readonly donations: number;
}

const counterNames = "errors events buffers executables clients serialized compilations loads executions donations";

export interface FakePlugin {
  readonly file: string;
  readonly folder: string;
  counters(): Counters;
  clientOptions(): string;
  /** In hexadecimal digits. */
  compileOptions(): string;
  /** "Entry position 5" and "Entry field 16" lines, from the C compiler. */
  layout(): string[];
  remove(): void;
}

export function buildFakePlugin(...defines: string[]): FakePlugin {
  const folder = mkdtempSync(join(tmpdir(), "starling-pjrt-"));
  const file = join(folder, "fake-plugin.so");
  execFileSync("cc", ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", file, source, ...defines]);
  const inside = () => koffi.load(file);
  return {
    file,
    folder,
    counters() {
      const numbers = new BigInt64Array(16);
      inside().func("void fake_counters(void *to)")(numbers);
      return Object.fromEntries(counterNames.split(" ").map((name, i) => [name, Number(numbers[i])])) as never;
    },
    clientOptions: () => inside().func("const char *fake_client_options()")().trim(),
    compileOptions: () => inside().func("const char *fake_compile_options()")(),
    layout: () => inside().func("const char *fake_layout()")().trim().split("\n"),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

const width = 2;
const vector: TensorSpec = { shape: [width], dtype: "float32" };

/** total += amount; scaled = factor * total. The fake runs it by its name. */
export const counter: Step = {
  name: "counter",
  state: { total: vector },
  constants: { factor: { shape: [], dtype: "float32" } },
  batch: { amount: vector },
  outputs: { scaled: vector },
  apply: () => ({}),
};

/** sum = total + amount; the total stays as it is. */
export const reader: Step = {
  name: "reader",
  state: { total: vector },
  constants: {},
  batch: { amount: vector },
  outputs: { sum: vector },
  apply: () => ({}),
};

export const counterStart = { state: { total: Float32Array.of(1, 2) }, constants: { factor: Float32Array.of(2) } };
export const readerStart = { state: { total: Float32Array.of(0, 0) }, constants: {} };

/** Text for the fake; `extra` are its settings, e.g. "run-ms=20 fail=event". */
export function fakeLower(extra = ""): Lower {
  return (step, { capacity }) => {
    const slices = { shape: [capacity, width], dtype: "float32" } as const;
    const isCounter = step.name === "counter";
    return {
      text: `// fake ${step.name} width=${width} capacity=${capacity} ${extra}\n    nonsense`,
      arguments: [
        { name: "total", kind: "state", spec: vector },
        ...(isCounter ? [{ name: "factor", kind: "constants", spec: { shape: [], dtype: "float32" } } as const] : []),
        { name: "amount", kind: "batch", spec: slices },
        { name: "count", kind: "count", spec: { shape: [], dtype: "int32" } },
      ],
      results: [
        ...(isCounter ? [{ name: "total", kind: "state", spec: vector } as const] : []),
        { name: isCounter ? "scaled" : "sum", kind: "outputs", spec: slices },
      ],
    };
  };
}

/** `steps` amounts of [first, 10 first], [first + 1, 10 (first + 1)], ... */
export function amounts(steps: number, first = 1): { amount: Float32Array } {
  const values = Array.from({ length: steps }, (_, k) => [first + k, 10 * (first + k)]);
  return { amount: Float32Array.from(values.flat()) };
}
