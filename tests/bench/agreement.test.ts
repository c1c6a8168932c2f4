import { describe, expect, test } from "vitest";
import { compareEngines, measureConditioning } from "../../bench/engine/agreement.ts";
import { genomeOf } from "../../bench/engine/architectures.ts";
import { buildModel } from "../../operators/model.ts";
import { eagerEngine } from "../../workers/engine/eager.ts";
import { onnxruntimeEngine } from "../../workers/engine/onnxruntime.ts";
import type { Engine, Values } from "../../workers/engine/types.ts";

const shape = { width: 8, length: 7, vocabulary: 5 };
const model = buildModel(genomeOf("attention", shape), { backbone: "language-model", ...shape });
const sizes = { batch: 2, tokens: 7 };
const eager = eagerEngine();

/** The eager engine with one entry of one output put wrong. */
function wrongIn(output: string, entry: number, by: number): Engine {
  return {
    name: "wrong",
    async compile(step, initial) {
      const program = await eager.compile(step, initial);
      const run = async (steps: number, batches: Values) => {
        const found = await program.run(steps, batches);
        const values = found[output];
        if (values) values[entry] = (values[entry] ?? 0) + by;
        return found;
      };
      return Object.assign(Object.create(program), {
        run,
        dispose: () => program.dispose(),
      });
    },
  };
}

describe("the comparison of engines", () => {
  test("finds the engine on the processor equal to the eager one", async () => {
    const found = await compareEngines(onnxruntimeEngine(), eager, model, sizes);
    expect(Math.max(found.logits, found.loss, found.losses)).toBeLessThan(1e-5);
    expect(found.gradient).toBeLessThan(1e-4);
    expect(found.gradient).toBeGreaterThan(0);
  });

  test("sees a single wrong gradient and names its weight", async () => {
    const found = await compareEngines(wrongIn("gradients", 0, 1), eager, model, sizes);
    expect(found.gradient).toBeGreaterThan(1e-2);
    expect(found.worstWeight).toBe("token_embeds.weight");
    expect(found.logits).toBe(0);
  });

  test("sees a wrong logit and a wrong loss", async () => {
    expect((await compareEngines(wrongIn("logits", 3, 0.1), eager, model, sizes)).logits).toBeGreaterThan(1e-3);
    const { loss, losses } = await compareEngines(wrongIn("loss", 0, 0.1), eager, model, sizes);
    expect(Math.min(loss, losses)).toBeGreaterThan(1e-3);
  });

  test("knows how far the last digits of the parameters move the reference", async () => {
    const moved = await measureConditioning(eager, model, sizes);
    expect(moved.logits).toBeGreaterThan(2 ** -25);
    expect(moved.logits).toBeLessThan(2 ** -18);
  });

  test("is no number where the engine answers none", async () => {
    const found = await compareEngines(wrongIn("gradients", 2, Number.NaN), eager, model, sizes);
    expect(found.gradient).toBeNaN();
  });
});
