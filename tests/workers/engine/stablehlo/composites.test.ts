// Training steps with Triton kernels inside, interpreted kernels and all, against eager tfjs.
import { describe, expect, test } from "vitest";
import { eagerEngine } from "../../../../workers/engine/eager.ts";
import { tritonComposites } from "../../../../workers/engine/stablehlo/kernels/composites.ts";
import type { Precision } from "../../../../workers/engine/stablehlo/program.ts";
import { type StepSizes, trainingStep } from "../../../../workers/engine/steps.ts";
import { baseVariants, type Variant } from "../../../operators/variants.ts";
import { batches, trainingData } from "../tiny-model.ts";
import { distance } from "./distance.ts";
import { modelOf, modelShape } from "./models.ts";
import { lowered } from "./run.ts";

const steps = 2;

function prepared(variant: Variant, members: number) {
  const sizes: StepSizes = { members, batch: 2, length: modelShape.length, rows: 6 };
  const model = modelOf(variant);
  const given = { ...trainingData(model, sizes, 5e-4), batch: batches(steps, sizes) };
  const step = trainingStep(model, sizes);
  const lower = (precision: Precision) => lowered(step, { precision, capacity: steps, composites: tritonComposites });
  return { step, given, lower };
}

const kernelsOf = (text: string) => Array.from(text.matchAll(/name = "(\w+)"/g), ([, name]) => name);
const withKernels = baseVariants(modelShape).flatMap((variant) => {
  const kernels = kernelsOf(prepared(variant, 1).lower("highest").program.text);
  return kernels.length > 0 ? [{ variant, title: variant.title, kernels }] : [];
});

test("operators use these kernels, each once for all that it gives", () => {
  const own = (kernels: readonly (string | undefined)[]) =>
    kernels.filter((name) => !/^(residual_norm|turn|short_convolution)/.test(name ?? ""));
  const attention = ["attention_forward", "attention_backward"];
  const convolution = ["causal_convolution", "causal_convolution_filter_gradient", "causal_convolution_backward"];
  const [forward, ...backward] = convolution;
  const expected: Record<string, readonly (string | undefined)[]> = {
    attention,
    "sliding-attention": attention,
    hyena: convolution,
    s4d: convolution,
    "monarch-mixer": [forward, forward, ...backward, ...backward],
    "linear-attention": ["linear_attention_forward", "linear_attention_backward"],
    mamba: ["selective_scan_forward", "selective_scan_backward"],
    swiglu: ["gated_mlp_forward", "gated_mlp_backward_input", "gated_mlp_backward_weights"],
  };
  for (const { title, kernels } of withKernels) expect(own(kernels), title).toEqual(expected[title] ?? []);
});

test("every norm of the backbone is one kernel forward and one backward", () => {
  for (const { title, kernels } of withKernels) {
    const norms = kernels.filter((name) => name?.startsWith("residual_norm"));
    expect(
      norms.filter((name) => name === "residual_norm_forward"),
      title,
    ).toHaveLength(2); // the layer's and the last
    expect(
      norms.filter((name) => name === "residual_norm_backward"),
      title,
    ).toHaveLength(2);
  }
});

describe.each(withKernels)("$title", ({ variant }) => {
  test.each([1, 2])("two steps of training agree with eager tfjs, %d members", async (members) => {
    const { step, given, lower } = prepared(variant, members);
    const program = await eagerEngine().compile(step, given);
    const expected = await program.run(steps, given.batch);
    const state = await program.state();
    await program.dispose();
    const found = lower("highest").run(steps, given);
    expect(distance(found.outputs.loss!, expected.loss!)).toBeLessThan(1e-5);
    for (const name of Object.keys(step.state)) {
      expect(distance(found.state[name]!, state[name]!), name).toBeLessThan(1e-4);
    }
  });

  test("in bfloat16 the losses are within 1 % of float32's", () => {
    const { given, lower } = prepared(variant, 1);
    const [coarse, exact] = (["bfloat16", "highest"] as const).map((precision) => {
      const { program, run } = lower(precision);
      expect(/tt\.ptr<bf16>/.test(program.text)).toBe(precision === "bfloat16");
      return run(steps, given).outputs.loss!;
    });
    expect(distance(coarse!, exact!)).toBeLessThan(1e-2);
  });
});
