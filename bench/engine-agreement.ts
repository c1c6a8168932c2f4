// Does every operator's training step give the same on every engine?
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { operatorNames } from "../genome/index.ts";
import { buildModel } from "../operators/model.ts";
import type { Model } from "../operators/types.ts";
import { chooseEngine, engineNames } from "../workers/engine/select.ts";
import { precisions } from "../workers/engine/sources.ts";
import type { Engine } from "../workers/engine/types.ts";
import { webgpuEngine } from "../workers/engine/webgpu/engine.ts";
import { type Agreement, compareEngines, measureConditioning } from "./engine/agreement.ts";
import { architectures, genomeOf } from "./engine/architectures.ts";
import { describeDevice, describeMachine } from "./engine/machine.ts";
import { count, list, oneOf } from "./engine/options.ts";

/** Of the reference's own movement. */
const slack = 10;

const help = `node --import tsx bench/engine-agreement.ts [options]

Logits, loss and gradients of one batch, and the losses of three updates, on the given engines beside the reference: two
pairs of each operator and SwiGLU (a channel mixer takes both places). Exit code 1 if any is further away than allowed.
Where the reference itself moves further when the parameters' last digits do (linear attention divides by sums that
come near zero), ${slack} times that movement is allowed, and both are printed.

  --engines LIST     ${engineNames.join(", ")}; default onnxruntime
  --reference NAME   any of these; default eager, which is slow at large sizes
  --operators LIST   operators, or architectures of bench/engine.ts; default every operator
  --precision NAME   ${precisions.join(", ")}; default highest
  --outputs N        largest difference of logits and losses, relative to the largest; default 1e-5
  --gradients N      largest difference of a weight's gradient, relative to its largest; default 1e-4
  --strict           WebGPU: every operation on the provider
  --batch N          default 2
  --tokens N         default 32
  --width N          default 32
  --vocabulary N     default 16
  --plugin FILE      a PJRT plugin
  --json FILE        where the result goes, written anew after each operator
`;

const { values: given } = parseArgs({
  options: {
    engines: { type: "string", default: "onnxruntime" },
    reference: { type: "string", default: "eager" },
    operators: { type: "string", default: operatorNames.join() },
    precision: { type: "string", default: "highest" },
    outputs: { type: "string", default: "1e-5" },
    gradients: { type: "string", default: "1e-4" },
    strict: { type: "boolean", default: false },
    batch: { type: "string", default: "2" },
    tokens: { type: "string", default: "32" },
    width: { type: "string", default: "32" },
    vocabulary: { type: "string", default: "16" },
    plugin: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

main().then(
  (agreed) => process.exit(agreed ? 0 : 1),
  (error) => {
    console.error(String(error));
    process.exit(1);
  },
);

async function main(): Promise<boolean> {
  if (given.help) {
    process.stdout.write(help);
    return true;
  }
  const names = list(given.engines).map((name) => oneOf("engines", name, engineNames));
  const operators = list(given.operators).map((name) =>
    oneOf("operators", name, [...operatorNames, ...Object.keys(architectures)]),
  );
  const sizes = { batch: count("batch", given.batch), tokens: count("tokens", given.tokens) };
  const shape = {
    width: count("width", given.width),
    length: sizes.tokens,
    vocabulary: count("vocabulary", given.vocabulary, 2),
  };
  const settings = { precision: oneOf("precision", given.precision, precisions), plugin: given.plugin };
  const [outputs, gradient] = [Number(given.outputs), Number(given.gradients)];
  const allowed: Allowed = { logits: outputs, loss: outputs, losses: outputs, gradient };
  const { engine: reference } = await chooseEngine(oneOf("reference", given.reference, engineNames));
  const judge = async (engine: Engine, model: Model): Promise<Judged> => {
    const found = await compareEngines(engine, reference, model, sizes);
    if (isWithin(found, allowed)) return { ...found, agrees: true };
    const moved = await measureConditioning(reference, model, sizes);
    const most = Object.entries(allowed).map(([figure, most]) => [
      figure,
      Math.max(most, slack * moved[figure as Figure]),
    ]);
    return { ...found, agrees: isWithin(found, Object.fromEntries(most)), moved };
  };
  const report = { date: new Date().toISOString(), machine: await describeMachine(), ...{ shape, sizes, allowed } };
  const rows: object[] = [];

  for (const name of names) {
    const isStrict = name === "webgpu" && given.strict;
    const engine = isStrict ? await webgpuEngine({ strict: true }) : (await chooseEngine(name, settings)).engine;
    for (const operator of operators) {
      const model = buildModel(genomeOf(operator, shape), { backbone: "language-model", ...shape });
      const found = await judge(engine, model).catch((error: unknown) => ({ error: String(error), agrees: false }));
      rows.push({ engine: name, operator, ...found, ...describeDevice(engine) });
      console.log(line(name, operator, found));
      if (given.json) writeFileSync(given.json, `${JSON.stringify({ ...report, rows, ...settings }, null, 2)}\n`);
    }
  }
  const failed = rows.filter((row) => "agrees" in row && row.agrees === false).length;
  console.log(`${rows.length} compared: ${rows.length - failed} agree, ${failed} do not`);
  return failed === 0;
}

type Figure = "logits" | "loss" | "losses" | "gradient";
type Allowed = Readonly<Record<Figure, number>>;

function isWithin(found: Agreement, allowed: Allowed): boolean {
  return Object.entries(allowed).every(([figure, most]) => found[figure as Figure] <= most);
}

interface Judged extends Agreement {
  readonly agrees: boolean;
  /** By the last digits of the parameters; looked at only where the bars are missed. */
  readonly moved?: Agreement;
}

interface Failed {
  readonly agrees: boolean;
  readonly error: string;
}

function line(engine: string, operator: string, found: Judged | Failed) {
  const head = `${found.agrees ? "PASS" : "FAIL"} ${engine.padEnd(12)}${operator.padEnd(26)} `;
  if ("error" in found) return head + found.error;
  return head + figures(found) + (found.moved ? `; moved by rounding: ${figures(found.moved)}` : "");
}

function figures({ logits, loss, losses, gradient, worstWeight }: Agreement): string {
  const outputs = { logits, loss, "after updates": losses, gradients: gradient };
  const all = Object.entries(outputs).map(([name, value]) => `${name} ${value.toExponential(1)}`);
  return `${all.join(", ")} (${worstWeight})`;
}
