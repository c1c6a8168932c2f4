// Compares AdamW, step by step, with recorded trajectories. Their learning rates are given: no recipe has a schedule.
import type { ReferenceRecord, ReferenceVerdict } from "../../../operators/reference-case.ts";
import { numbersOf } from "../../../operators/safetensors.ts";
import { adamW, type OptimizerRates, type OptimizerState } from "../../engine/adamw.ts";
import { initialTrainingState } from "../../engine/steps.ts";
import type { Engine, Step } from "../../engine/types.ts";
import { toleranceOf, unsupported, verdictOf } from "./comparison.ts";

interface PublishedOptimizer {
  readonly weight_decay: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
}

export async function compareOptimizer(record: ReferenceRecord, engine: Engine): Promise<ReferenceVerdict> {
  const { weight_decay: weightDecay, betas, eps } = record.description.config as unknown as PublishedOptimizer;
  if (betas[0] !== 0.9 || betas[1] !== 0.999 || eps !== 1e-8) {
    return unsupported(`AdamW has betas 0.9 and 0.999 and eps 1e-8 here, not ${betas} and ${eps}.`);
  }
  const { "param.initial": initial, grads: gradients, lr_used: learningRates } = record.tensors;
  if (!initial || !gradients || !learningRates) return unsupported("The record lacks parameters, gradients or rates.");

  const start = Float32Array.from(numbersOf(initial));
  const program = await engine.compile(optimizerStep(record.case, start.length), {
    state: initialTrainingState(start, 1),
    constants: { weightDecays: Float32Array.of(weightDecay) },
  });
  try {
    const steps = numbersOf(learningRates).length;
    const computed = await program.run(steps, {
      gradients: Float32Array.from(numbersOf(gradients)),
      learningRates: Float32Array.from(numbersOf(learningRates)),
    });
    const published = { "param.after": "after", exp_avg: "first", exp_avg_sq: "second" } as const;
    return verdictOf(
      Object.entries(published).flatMap(([name, output]) => {
        const tensor = record.tensors[name];
        const actual = computed[output] as Float32Array;
        return tensor ? [{ name, actual, published: numbersOf(tensor), tolerance: toleranceOf(record) }] : [];
      }),
    );
  } finally {
    await program.dispose();
  }
}

/** The update alone, as the training step makes it, for one member; its results are outputs as well as state. */
function optimizerStep(name: string, size: number): Step {
  const flat = { shape: [1, size], dtype: "float32" } as const;
  const rate = { shape: [1], dtype: "float32" } as const;
  return {
    name: `AdamW ${name}`,
    state: { parameters: flat, firstMoments: flat, secondMoments: flat, stepsTaken: rate },
    constants: { weightDecays: rate },
    batch: { gradients: flat, learningRates: rate },
    outputs: { after: flat, first: flat, second: flat },
    apply(tensors) {
      const state = tensors as unknown as OptimizerState;
      const rates = tensors as unknown as OptimizerRates;
      const next = adamW(state, tensors.gradients as OptimizerState["parameters"], rates);
      return { ...next, after: next.parameters, first: next.firstMoments, second: next.secondMoments };
    },
  };
}
