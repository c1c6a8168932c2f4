// Runs one record of the training arithmetic: norms and activations, AdamW, loss and metrics, initial parameters.
import { activations, normReferences } from "../operators/parts-reference.ts";
import type { ReferenceRecord, ReferenceVerdict } from "../operators/reference-case.ts";
import { numbersOf, type StoredTensor } from "../operators/safetensors.ts";
import type { Engine } from "./engine/types.ts";
import { unsupported } from "./mad/reference/comparison.ts";
import { compareInitialization } from "./mad/reference/initialization.ts";
import { compareLossAndMetrics } from "./mad/reference/loss-and-metrics.ts";
import { compareOptimizer } from "./mad/reference/optimizer.ts";
import { compareForward } from "./operator-parity.ts";

type Comparison = (record: ReferenceRecord, engine: Engine) => Promise<ReferenceVerdict>;

const comparisons: Readonly<Record<string, Comparison>> = {
  activations: compareActivations,
  "adamw-cosine": compareOptimizer,
  "default-init": compareInitialization,
  "loss-and-metrics": compareLossAndMetrics,
};

export async function compareTraining(record: ReferenceRecord, engine: Engine): Promise<ReferenceVerdict> {
  const norm = normReferences[record.system];
  if (norm) return compareForward(record, norm, engine);
  const compare = comparisons[record.system];
  return compare ? compare(record, engine) : unsupported(`There is no topic "${record.system}".`);
}

/** One record holds many functions of one x: each is compared by itself, `dydx.*` as the gradient of its sum. */
async function compareActivations(record: ReferenceRecord, engine: Engine): Promise<ReferenceVerdict> {
  const names = Object.keys(record.tensors).flatMap((name) => /^y\.(.+)$/.exec(name)?.[1] ?? []);
  const verdicts: ReferenceVerdict[] = [];
  for (const name of names) {
    const activation = activations[name];
    if (!activation) return unsupported(`The activation "${name}" is not implemented.`);
    const { x, [`y.${name}`]: y, [`dydx.${name}`]: slope } = record.tensors;
    if (!x || !y || !slope) return unsupported(`The activation "${name}" comes without x, y and dydx.`);
    const tensors = { x, y, "grad.x": slope, r: onesLike(x) };
    const alone = { ...record, case: `${record.case} ${name}`, tensors };
    const verdict = await compareForward(alone, () => (_, input) => ({ y: activation(input) }), engine);
    verdicts.push({ ...verdict, detail: verdict.detail && `${name}: ${verdict.detail}` });
  }
  return together(verdicts);
}

function together(verdicts: readonly ReferenceVerdict[]): ReferenceVerdict {
  const largest = (errors: readonly (number | null)[]) => Math.max(0, ...errors.map((error) => error ?? 0));
  const worst = (["fail", "unsupported"] as const).find((kind) => verdicts.some(({ verdict }) => verdict === kind));
  return {
    verdict: worst ?? "pass",
    maxErrorY: largest(verdicts.map(({ maxErrorY }) => maxErrorY)),
    maxErrorGradients: largest(verdicts.map(({ maxErrorGradients }) => maxErrorGradients)),
    detail: verdicts.flatMap(({ detail }) => detail || []).join(" "),
  };
}

function onesLike(tensor: StoredTensor): StoredTensor {
  return { dtype: "F64", shape: tensor.shape, values: new Float64Array(numbersOf(tensor).length).fill(1) };
}
