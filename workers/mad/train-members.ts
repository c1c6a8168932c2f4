// The training loop: all grid cells of one setting as members of one program, on any engine.
import { drawParameters } from "../../operators/initialize.ts";
import type { Model } from "../../operators/types.ts";
import type { Engine, Program } from "../engine/types.ts";
import { BatchOrder, forMembers } from "./batches.ts";
import { type EvaluationPlan, evaluateSplit } from "./evaluate.ts";
import type { DataSet } from "./generate.ts";
import { bestMember, type CurvePoint, Member } from "./member.ts";
import { Pace } from "./pace.ts";
import { type EvaluationSetting, gridOf, stepsOf, stepsPerEpoch } from "./profiles.ts";
import { compileEvaluation, compileTraining, programTokens } from "./programs.ts";
import { evaluationStreams, type Recipe } from "./recipe.ts";

export interface Progress {
  /** Steps taken, of the steps that nothing stops early. */
  readonly step: number;
  readonly steps: number;
  /** Of the best member so far; its last point where it was just evaluated. */
  readonly trainLoss: number | null;
  readonly point: CurvePoint | null;
}

export interface TrainingRun {
  readonly model: Model;
  readonly data: DataSet;
  readonly setting: EvaluationSetting;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly engine: Engine;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Looked at between calls of the engine. */
  readonly signal?: AbortSignal | undefined;
}

/** Steps taken, and milliseconds of one; null where none was taken. */
export interface Taken {
  readonly steps: number;
  readonly stepMs: number | null;
}

/** Trains every member to its end, or until all have stopped or diverged. Returns them with the steps taken. */
export async function trainMembers(run: TrainingRun): Promise<{ members: Member[] } & Taken> {
  const { setting, recipe, seed } = run;
  const members = gridOf(setting).map((cell) => new Member(cell, recipe));
  const streams = evaluationStreams(seed, setting.key);
  const order = new BatchOrder({ examples: run.data.train.examples, batch: setting.training.batch }, streams.order);
  const parameters = repeated(drawParameters(run.model, streams.parameters), members.length);
  const training = await compileTraining(run, gridOf(setting), parameters);
  try {
    const evaluation = await compileEvaluation(run, members.length, parameters);
    try {
      const taken = await trainAndEvaluate({ ...run, members, order, training, evaluation });
      return { members, ...taken };
    } finally {
      await evaluation.dispose();
    }
  } finally {
    await training.dispose();
  }
}

interface Loop extends TrainingRun {
  readonly members: Member[];
  readonly order: BatchOrder;
  readonly training: Program;
  readonly evaluation: Program;
}

async function trainAndEvaluate(loop: Loop): Promise<Taken> {
  const { members, setting, engine, signal, onProgress } = loop;
  const steps = stepsOf(setting);
  const between = setting.training.evaluateEvery * stepsPerEpoch(setting);
  const pace = new Pace();
  // A second call waits on a queued engine, so that the device never does. No call reaches past the next evaluation.
  const calls: Call[] = [];
  const mostCalls = engine.isQueued ? 2 : 1;
  let asked = 0;
  let step = 0;
  try {
    while (step < steps && members.some(({ isFinished }) => !isFinished)) {
      signal?.throwIfAborted();
      const nextEvaluation = Math.min(steps, step - (step % between) + between);
      while (calls.length < mostCalls && asked < nextEvaluation) {
        const count = Math.min(pace.steps, nextEvaluation - asked);
        calls.push(startCall(loop, asked, count));
        asked += count;
      }
      const next = calls.shift() as Call;
      const { count } = next;
      const losses = await pace.time(count, () => next.losses);
      recordLosses(members, step, losses);
      step += count;
      if (step === nextEvaluation && members.some(({ isFinished }) => !isFinished)) {
        signal?.throwIfAborted();
        await evaluateMembers(loop, step);
      }
      const { trainLoss, curve } = bestMember(members);
      const last = curve.at(-1);
      const point = last?.step === step ? last : null;
      onProgress?.({ step, steps, trainLoss: trainLoss ?? last?.trainLoss ?? null, point });
    }
    return { steps: step, stepMs: pace.stepMs };
  } finally {
    await Promise.allSettled(calls.map(({ losses }) => losses));
  }
}

interface Call {
  readonly count: number;
  /** [count, P]. */
  readonly losses: Promise<Float32Array>;
}

function startCall({ members, order, training }: Loop, step: number, count: number): Call {
  const slices = Array.from({ length: count }, (_, k) => order.rows(step + k));
  const losses = training
    .run(count, { indices: forMembers(slices, members.length) })
    .then(({ loss }) => loss as Float32Array);
  losses.catch(() => undefined); // whoever waits for it hears of it, but that may be later
  return { count, losses };
}

function recordLosses(members: readonly Member[], step: number, losses: Float32Array): void {
  for (const [i, loss] of losses.entries()) {
    members[i % members.length]?.recordLoss(step + Math.floor(i / members.length) + 1, loss);
  }
}

async function evaluateMembers(loop: Loop, step: number): Promise<void> {
  const { members, data, setting, training, evaluation } = loop;
  await evaluation.adoptState(training);
  const rows = data.test.examples + data.validation.examples;
  const plan: Omit<EvaluationPlan, "firstRow"> = {
    members: members.length,
    batch: setting.training.batch,
    tokens: data.tokens,
    programTokens: programTokens(loop),
    vocabulary: data.vocabulary,
    ignoredRow: rows,
  };
  const test = await evaluateSplit(evaluation, data.test, { ...plan, firstRow: 0 });
  const hasValidation = data.validation.examples > 0;
  const afterTest = { ...plan, firstRow: data.test.examples };
  const validation = hasValidation ? await evaluateSplit(evaluation, data.validation, afterTest) : [];
  for (const [i, member] of members.entries()) {
    member.recordEvaluation(step, { test: test[i] as (typeof test)[number], validation: validation[i] ?? null });
  }
}

function repeated(values: Float32Array, times: number): Float32Array {
  const all = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) all.set(values, i * values.length);
  return all;
}
