// One engine's training step of one architecture, AdamW included.
import { chooseEngine, type EngineName, type EngineSettings } from "../../workers/engine/select.ts";
import { parameterCount } from "../../workers/engine/steps.ts";
import type { Engine, Program } from "../../workers/engine/types.ts";
import { describeDevice, deviceMemory, megabytes, peakResidentBytes } from "./machine.ts";
import { prepareWorkload, type Sizes, type Workload } from "./workload.ts";

/** Plain data: it may go to another process. */
export interface Request {
  readonly engine: EngineName;
  readonly settings: EngineSettings;
  readonly arch: string;
  readonly sizes: Sizes;
  readonly timing: Timing;
}

export interface Timing {
  /** Training steps in one call of the program. */
  readonly steps: number;
  /** Calls that are timed; one more goes before them. */
  readonly calls: number;
}

export interface Measurement {
  readonly medianMs: number;
  readonly leastMs: number;
  readonly stepsPerSecond: number;
  /** The first compilation in this process, and a second one of the same step. */
  readonly compileSeconds: number;
  readonly recompileSeconds: number;
  readonly parameters: number;
  /** The most that the process held on the device: counted by its client, else what the compiled step needs. */
  readonly deviceMegabytes?: number | undefined;
  /** The most that the process held so far. */
  readonly residentMegabytes: number;
}

/** Engines of this process: a GPU's client is started once. */
const started = new Map<string, Promise<Engine>>();

export async function measureStep({ engine: name, settings, arch, sizes, timing }: Request): Promise<Measurement> {
  const key = JSON.stringify([name, settings]);
  const starting = started.get(key) ?? chooseEngine(name, settings).then(({ engine }) => engine);
  started.set(key, starting);
  const engine = await starting;

  const workload = await prepareWorkload(arch, sizes);
  const first = await timed(() => workload.compile(engine));
  const program = first.result;
  const wall = await timeCalls(program, workload, timing, engine.isQueued ?? false);
  const counted = deviceMemory(engine)?.peakBytes;
  const needed = program.memory && program.memory.stateBytes + program.memory.temporaryBytes;
  await program.dispose();
  const second = await timed(() => workload.compile(engine));
  await second.result.dispose();

  const medianMs = wall.toSorted((a, b) => a - b)[wall.length >> 1] as number;
  const deviceBytes = counted ?? needed;
  return {
    medianMs: rounded(medianMs),
    leastMs: rounded(Math.min(...wall)),
    stepsPerSecond: rounded(1000 / medianMs),
    compileSeconds: rounded(first.seconds),
    recompileSeconds: rounded(second.seconds),
    parameters: parameterCount(workload.model),
    deviceMegabytes: deviceBytes === undefined ? undefined : megabytes(deviceBytes),
    residentMegabytes: megabytes(peakResidentBytes()),
    ...describeDevice(engine),
  };
}

/**
 * Milliseconds per step of each call but the first. A queued engine gets the next call before the last has ended, so only
 * the mean over all is known.
 */
async function timeCalls(program: Program, workload: Workload, { steps, calls }: Timing, isQueued: boolean) {
  const start = (call: number) => program.run(steps, workload.batches(call * steps, steps));
  const wall: number[] = [];
  let present = start(0);
  let [from, began] = [0, 0];
  for (let call = 0; call <= calls; call++) {
    const ahead = isQueued && call < calls ? start(call + 1) : undefined;
    await present;
    const now = performance.now();
    if (call > 0) wall.push((now - from) / steps);
    else began = now;
    from = now;
    if (call < calls) present = ahead ?? start(call + 1);
  }
  return isQueued ? [(from - began) / (steps * calls)] : wall;
}

async function timed<Result>(run: () => Promise<Result>): Promise<{ result: Result; seconds: number }> {
  const start = performance.now();
  const result = await run();
  return { result, seconds: (performance.now() - start) / 1000 };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
