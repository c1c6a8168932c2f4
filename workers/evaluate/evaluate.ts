// One evaluation from lease to result: the child process trains, this process keeps the lease alive.
import { parseGenome } from "../../genome/index.ts";
import type { Log } from "../../services/platform/log.ts";
import type { Queues } from "../../services/platform/queue.ts";
import type { Store } from "../../services/platform/store/store.ts";
import type { JsonObject, LeasedEvaluation, Settled, Swept } from "../../services/platform/store/types.ts";
import type { EngineProcess } from "../engine/process/engine-process.ts";
import { EngineStartError } from "../engine/process/errors.ts";
import type { EngineSetting, EngineSettings } from "../engine/select.ts";
import type { jobs } from "../engine-jobs.ts";
import type { EvaluationSetting } from "../mad/profiles.ts";
import type { TrainingResult } from "../mad/training.ts";
import { failureOf } from "./failures.ts";
import { memoryBytes, timeoutMs } from "./limits.ts";

export interface EvaluatorSettings {
  readonly workerId: string;
  readonly engine: EngineSetting;
  readonly engineSettings: EngineSettings;
  readonly concurrency: number;
  readonly leaseSeconds: number;
  readonly renewSeconds: number;
  readonly dataFolder: string;
}

export interface EvaluatorServices {
  readonly store: Store;
  readonly queues: Pick<Queues, "enqueue">;
  readonly log: Log;
}

/** Why a training run is stopped from outside. */
type StopReason = "lost" | "cancelled" | "draining";

class Stopped extends Error {
  override readonly name = "Stopped";
  readonly why: StopReason;

  constructor(why: StopReason) {
    super(`the evaluation was stopped: ${why}`);
    this.why = why;
  }
}

/**
 * Does nothing where the evaluation is not to be had: finished, taken, paused. `draining` gives it back.
 *
 * @throws EngineStartError where nothing can be trained here; the evaluation is given back and loses no attempt.
 */
export async function evaluate(
  evaluationId: string,
  child: EngineProcess<typeof jobs>,
  settings: EvaluatorSettings,
  services: EvaluatorServices,
  draining: AbortSignal,
): Promise<void> {
  const { store } = services;
  if (draining.aborted) return;
  const lease = await store.leaseEvaluation(evaluationId, settings.workerId, settings.leaseSeconds);
  if (lease === null) return;
  const { searchId, number, task, attempt } = lease;
  const log = services.log.child({ evaluationId, searchId, number, task, attempt });
  const stop = new AbortController();
  const drain = () => stop.abort(new Stopped("draining"));
  draining.addEventListener("abort", drain, { once: true });
  const renewal = renewRegularly(lease, settings, store, log, (why) => stop.abort(new Stopped(why)));
  try {
    const result = await train(lease, child, settings, stop.signal);
    renewal.end();
    const settled = await patiently(() => store.finishEvaluation(lease, toRow(result)), log);
    if (settled === null) log.info("late result discarded");
    else
      log.info({ score: result.score, outcome: result.outcome, seconds: result.trainSeconds }, "evaluation finished");
    await ring(settled, services);
  } catch (error) {
    renewal.end();
    await ring(await giveBack(lease, error, store, log), services);
    if (error instanceof EngineStartError) throw error;
  } finally {
    renewal.end();
    draining.removeEventListener("abort", drain);
  }
}

function train(
  { genome, setting, config, seed }: LeasedEvaluation,
  child: EngineProcess<typeof jobs>,
  { engine, engineSettings, concurrency, dataFolder }: EvaluatorSettings,
  signal: AbortSignal,
): Promise<TrainingResult> {
  const evaluationSetting = setting as unknown as EvaluationSetting;
  return child.run(
    "trainAndScore",
    { genome, setting: evaluationSetting, recipe: config.recipe, seed, engine, engineSettings, dataFolder },
    {
      timeoutMs: timeoutMs(parseGenome(genome), evaluationSetting, config.evaluation),
      memoryBytes: memoryBytes(config.evaluation, concurrency),
      signal,
    },
  );
}

async function giveBack(lease: LeasedEvaluation, error: unknown, store: Store, log: Log): Promise<Swept | null> {
  if (error instanceof Stopped) {
    log.info({ why: error.why }, "evaluation stopped");
    return error.why === "draining" ? patiently(() => store.releaseLease(lease), log) : null;
  }
  if (error instanceof EngineStartError) return patiently(() => store.releaseLease(lease), log);
  const failure = failureOf(error);
  log.warn({ reason: failure.reason, err: error }, "evaluation failed");
  return patiently(() => store.failEvaluation(lease, failure), log);
}

/** Renews by the clock of the database; a database that is away for a moment costs nothing while the lease lasts. */
function renewRegularly(
  lease: LeasedEvaluation,
  { leaseSeconds, renewSeconds }: EvaluatorSettings,
  store: Store,
  log: Log,
  stop: (why: "lost" | "cancelled") => void,
): { end(): void } {
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    try {
      const state = await store.renewLease(lease, leaseSeconds);
      if (state !== "held") stop(state);
    } catch (error) {
      log.warn({ err: error }, "lease not renewed");
    }
    busy = false;
  }, renewSeconds * 1000);
  return { end: () => clearInterval(timer) };
}

/** A result is worth waiting for the database: tried for about two minutes. Then the lease has run out anyway. */
async function patiently<T>(write: () => Promise<T>, log: Log): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (attempt === 30) throw error;
      log.warn({ err: error, attempt }, "result not written yet");
      await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 250 * attempt)));
    }
  }
}

async function ring(settled: Settled | Swept | null, { queues }: EvaluatorServices): Promise<void> {
  if (settled === null) return;
  await queues.enqueue("advance", settled.searchIds);
  await queues.enqueue("evaluate", settled.waiting);
}

function toRow({ outcome, score, metrics, perMember, curve, steps, stepMs, trainSeconds, engine }: TrainingResult) {
  const all = { ...metrics, steps, perMember };
  return { outcome, score, metrics: all as unknown as JsonObject, curve, engine, trainSeconds, stepMs };
}
