// Drawing a data set: training instances first, then those of the test, out of one stream.
//
// As train() of athms/mad-lab does it: `default_rng(seed)` for the instances, `np.random.seed(seed)` before the first.
import { setImmediate } from "node:timers/promises";
import { Generator } from "./numpy/generator.ts";
import { RandomState } from "./numpy/random-state.ts";
import type { TaskSetting } from "./settings.ts";
import { tasks } from "./tasks/registry.ts";
import type { DrawInstance, Sources } from "./tasks/types.ts";

/** Examples row after row, each of T tokens. */
export interface Split {
  readonly examples: number;
  /** Token ids [N, T]. */
  readonly inputs: Int32Array<ArrayBuffer>;
  /** Token ids or `ignored` [N, T]. */
  readonly targets: Int32Array<ArrayBuffer>;
}

export interface DataSet {
  /** T. */
  readonly tokens: number;
  readonly vocabulary: number;
  readonly train: Split;
  readonly test: Split;
  /** In the form of the test; empty unless asked for. */
  readonly validation: Split;
}

export interface GenerateOptions {
  /** Drawn after the test, so that training and test examples stay the published ones. */
  readonly validationExamples?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Throws a RangeError that names the task, option and value for a setting that cannot be drawn. */
export async function generateDataSet(
  setting: TaskSetting,
  seed: number,
  { validationExamples = 0, signal }: GenerateOptions = {},
): Promise<{ data: DataSet; sources: Sources }> {
  checkSetting(setting);
  const task = tasks[setting.task];
  const tokens = task.tokens(setting);
  const sources = { shared: new Generator(seed), legacy: new RandomState(seed), seed };
  const draw = task.instances(setting, sources);
  const plan = { draw, tokens, signal };
  const train = await drawSplit(plan, setting.trainExamples, true);
  const test = await drawSplit(plan, setting.testExamples, false);
  const validation = await drawSplit(plan, validationExamples, false);
  return { data: { tokens, vocabulary: setting.vocabulary, train, test, validation }, sources };
}

async function drawSplit(
  { draw, tokens, signal }: { draw: DrawInstance; tokens: number; signal: AbortSignal | undefined },
  examples: number,
  training: boolean,
): Promise<Split> {
  const inputs = new Int32Array(examples * tokens);
  const targets = new Int32Array(examples * tokens);
  let breath = performance.now();
  for (let row = 0; row < examples; row++) {
    const [from, to] = [row * tokens, (row + 1) * tokens];
    draw(training, inputs.subarray(from, to), targets.subarray(from, to));
    // Large vocabularies take minutes (fuzzy recall); leases are renewed meanwhile.
    if (performance.now() - breath > 25) {
      await setImmediate();
      signal?.throwIfAborted();
      breath = performance.now();
    }
  }
  return { examples, inputs, targets };
}

function checkSetting(setting: TaskSetting): void {
  const counts = ["vocabulary", "length", "noiseVocabulary", "tokensToCopy", "trainExamples", "testExamples"] as const;
  for (const name of counts) {
    if (!Number.isSafeInteger(setting[name]) || setting[name] < 0) {
      throw new RangeError(`${setting.task}: ${name} ${setting[name]} is not a count`);
    }
  }
  const conflict = tasks[setting.task].conflict(setting);
  if (conflict) throw new RangeError(`${setting.task}: ${conflict}`);
}
