// The models of bench/peers are ours: equal loss and gradients on equal weights, every parameter under its own name.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { architectureNames, genomeOf } from "../../bench/engine/architectures.ts";
import { Random } from "../../genome/index.ts";
import { drawParameters } from "../../operators/initialize.ts";
import { buildModel } from "../../operators/model.ts";
import { crossEntropy } from "../../workers/engine/loss.ts";
import { weightsOf } from "../../workers/engine/steps.ts";
import { describeWith, pythonPath } from "../require.ts";

// Odd, and shorter than the length the model is built for, as in MAD's recall.
const shape = { width: 32, length: 11, vocabulary: 7 };
const [batch, tokens] = [3, 9];
const folder = mkdtempSync(join(tmpdir(), "starling-peers-"));
const peers = fileURLToPath(new URL("../../bench/peers", import.meta.url));

await tf.setBackend("cpu");
afterAll(() => rmSync(folder, { recursive: true }));

interface Checked {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

interface Case {
  readonly arch: string;
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[]; readonly values: number[] }[];
  readonly inputs: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
}

/** A case, with loss and gradients of our model in eager TensorFlow.js. */
function ours(arch: string): { given: Case; expected: Checked } {
  const random = new Random(arch);
  const model = buildModel(genomeOf(arch, shape), { ...shape, backbone: "language-model" });
  // Moved off their start, where some are zero or equal.
  const parameters = drawParameters(model, random.split("parameters")).map((value) => value + random.normal() / 20);
  const drawn = () => Array.from({ length: batch }, () => Array.from({ length: tokens }, () => random.integer(7)));
  const [inputs, targets] = [drawn(), drawn().map((row) => row.map((token, t) => (t % 2 === 0 ? -100 : token)))];

  const weights = weightsOf(model, tf.tensor2d(parameters, [1, parameters.length]));
  const [x, y] = [[inputs], [targets]].map((rows) => tf.tensor3d(rows, undefined, "int32")) as [
    tf.Tensor3D,
    tf.Tensor3D,
  ];
  const lossOf = () => crossEntropy(model.apply(weights, x), y);
  const { value, grads } = tf.engine().gradients(lossOf, Object.values(weights), tf.ones([1]), true);
  const gradients = Object.keys(weights).map((name, i) => [name, Array.from(grads[i]?.dataSync() ?? [])] as const);
  const named = model.parameters.map(({ name, shape }) => {
    return { name, shape, values: Array.from(weights[name]?.dataSync() ?? []) };
  });
  return {
    given: { arch, weights: named, inputs, targets },
    expected: { loss: value.dataSync()[0] as number, gradients: Object.fromEntries(gradients) },
  };
}

/** What a program answers on all cases. */
function theirs({ script, python, options }: Peer, cases: readonly Case[]): Checked[] {
  const file = join(folder, "cases.json");
  writeFileSync(file, JSON.stringify(cases));
  const sizes = Object.entries(shape).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const run = spawnSync(python, [join(peers, script), "--check", file, ...sizes, ...options], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout);
}

interface Peer {
  readonly script: string;
  readonly python: string;
  readonly options: readonly string[];
}

describeWith("torch", "in PyTorch", () => {
  compare({ script: "torch_step.py", python: pythonPath(), options: ["--scan", "loop"] });
  compare({ script: "torch_step.py", python: pythonPath(), options: ["--scan", "doubling"] });
});

// Debian has no JAX, so nobody is asked to have it.
const jaxPython = process.env.JAX_PYTHON;
if (jaxPython) {
  describe("in JAX", () => {
    compare({ script: "jax_step.py", python: jaxPython, options: ["--attention", "plain"] });
    compare({ script: "jax_step.py", python: jaxPython, options: ["--attention", "xla"] });
  });
} else {
  console.warn("not compared with JAX: JAX_PYTHON names no Python that has it");
}

function compare(peer: Peer): void {
  describe(peer.options.join(" "), () => {
    const cases = architectureNames.map(ours);
    let found: Checked[] = [];
    beforeAll(() => {
      found = theirs(
        peer,
        cases.map(({ given }) => given),
      );
    });

    test.each(cases.map(({ given: { arch }, expected }, i) => ({ arch, expected, i })))("$arch", ({ expected, i }) => {
      const { loss, gradients } = found[i] as Checked;
      expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-5);
      expect(Object.keys(gradients).toSorted()).toEqual(Object.keys(expected.gradients).toSorted());
      for (const [name, gradient] of Object.entries(expected.gradients)) {
        // Linear attention divides by sums that come near zero: float32 leaves it four digits.
        expect(difference(gradients[name] ?? [], gradient), name).toBeLessThan(1e-3);
      }
    });
  });
}

/** The largest difference of an entry, relative to the largest entry. */
function difference(found: readonly number[], expected: readonly number[]): number {
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs((found[i] ?? Number.NaN) - value))) / largest;
}

test("the peers know the architectures by the same names and mixers", () => {
  const source = readFileSync(join(peers, "measuring.py"), "utf8");
  for (const name of architectureNames) expect(source).toContain(`"${name}": (`);
});
