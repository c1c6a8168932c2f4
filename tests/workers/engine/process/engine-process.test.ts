import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { EngineProcess, type EngineProcessOptions } from "../../../../workers/engine/process/engine-process.ts";
import type { jobs } from "./jobs-for-tests.ts";

const started: EngineProcess<typeof jobs>[] = [];

function engineProcess(options: Partial<EngineProcessOptions> = {}): EngineProcess<typeof jobs> {
  const jobsModule = new URL("./jobs-for-tests.ts", import.meta.url);
  const engine = new EngineProcess<typeof jobs>({ jobsModule, ...options });
  started.push(engine);
  return engine;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((engine) => engine.stop()));
});

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilDead(pid: number, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (isAlive(pid) && performance.now() < end) await delay(50);
  return !isAlive(pid);
}

test("gives the job its request and returns its result and its progress, numbers intact", async () => {
  const progress: number[] = [];
  const engine = engineProcess();
  const result = await engine.run("double", Float32Array.of(1, 2.5), { onProgress: ({ done }) => progress.push(done) });
  expect(result).toEqual({ doubled: Float32Array.of(2, 5), notANumber: Number.NaN, pid: engine.pid });
  expect(progress).toEqual([1, 2, 3]);
});

test("an error of the job comes back with its class and words, and the child goes on", async () => {
  const engine = engineProcess();
  await engine.run("sleep", 0);
  const { pid } = engine;
  await expect(engine.run("fail", "segment 3: no such class")).rejects.toMatchObject({
    name: "JobError",
    message: "segment 3: no such class",
    cause: { name: "GenomeError" },
  });
  await expect(engine.run("unknownResult", undefined as never)).rejects.toMatchObject({ name: "JobError" });
  await engine.run("sleep", 0);
  expect(engine.pid).toBe(pid);
});

test("a job that does not exist is an error", async () => {
  await expect(engineProcess().run("nothing" as never, null as never)).rejects.toThrow('there is no job "nothing"');
});

test("only one job runs at a time", async () => {
  const engine = engineProcess();
  const first = engine.run("sleep", 300);
  await expect(engine.run("sleep", 0)).rejects.toThrow("busy with another job");
  await first;
  await engine.run("sleep", 0);
});

describe("reuse", () => {
  test("a child is replaced after its share of jobs", async () => {
    const engine = engineProcess({ jobsPerChild: 2 });
    const pids = [];
    for (let i = 0; i < 4; i++) pids.push((await engine.run("double", new Float32Array(1))).pid);
    expect(pids[1]).toBe(pids[0]);
    expect(pids[2]).not.toBe(pids[0]);
    expect(pids[3]).toBe(pids[2]);
    expect(await untilDead(pids[0] as number, 5000)).toBe(true);
  });

  test("a child that has grown too large is replaced", async () => {
    const engine = engineProcess({ idleBytes: 400 * 2 ** 20 });
    await engine.run("sleep", 0);
    const { pid } = engine;
    await engine.run("hold", 500);
    expect((await engine.run("double", new Float32Array(1))).pid).not.toBe(pid);
  });
});

describe("a job that takes too long", () => {
  test("is killed although it blocks its thread, and the next job has a new child", async () => {
    const engine = engineProcess();
    await engine.run("sleep", 0);
    const { pid } = engine;
    await expect(engine.run("spin", null, { timeoutMs: 500 })).rejects.toMatchObject({
      name: "TimeoutError",
      message: "spin took longer than 0.5 s; its process was killed",
    });
    expect(isAlive(pid)).toBe(false);
    expect((await engine.run("double", new Float32Array(1))).pid).not.toBe(pid);
  });

  test("is killed for good where it ignores SIGTERM", async () => {
    const engine = engineProcess({ killGraceMs: 300 });
    let pid = 0;
    const options = {
      timeoutMs: 4000,
      onProgress: (child: number) => {
        pid = child;
      },
    };
    await expect(engine.run("ignoreTermination", null, options)).rejects.toThrow("took longer than 4 s");
    expect(pid).toBeGreaterThan(0);
    expect(isAlive(pid)).toBe(false);
  });
});

describe("a job that takes too much memory", () => {
  test("is killed with the figures", async () => {
    const engine = engineProcess();
    const memoryBytes = 300 * 2 ** 20;
    const error = await engine.run("hold", 600, { memoryBytes }).catch((reason) => reason);
    expect(error).toMatchObject({ name: "OomError", limitBytes: memoryBytes });
    expect(error.residentBytes).toBeGreaterThan(memoryBytes);
    expect(error.message).toMatch(/hold ran out of memory: its process held \d+ MB \(limit 300 MB\)/);
  });

  test("is told apart from a crash where V8, onnxruntime or a PJRT device give up by themselves", async () => {
    const engine = engineProcess();
    process.env.NODE_OPTIONS = "--max-old-space-size=64";
    try {
      await expect(engine.run("exhaustHeap", undefined as never)).rejects.toMatchObject({ name: "OomError" });
    } finally {
      delete process.env.NODE_OPTIONS;
    }
    for (const words of [
      "Failed to allocate memory for requested buffer of size 123456789",
      "train: running failed: LoadedExecutable_Execute: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.",
    ]) {
      await expect(engine.run("refuseMemory", words)).rejects.toMatchObject({ name: "OomError" });
    }
  });
});

describe("a crash", () => {
  test("is reported with its signal and the last lines, of a log that is bounded", async () => {
    const engine = engineProcess();
    const error = await engine.run("abort", 20_000).catch((reason) => reason);
    expect(error).toMatchObject({ name: "EngineCrashError", exitSignal: "SIGABRT", exitCode: null });
    expect(error.message).toContain("ended by SIGABRT during abort");
    expect(error.message).toContain("it wrote last:");
    expect(error.message.length).toBeLessThan(2000);
    expect(error.log).toContain("line 19999");
    expect(error.log.length).toBeLessThanOrEqual(64 * 1024);
    expect(error.log.length).toBeGreaterThan(60 * 1024);
  });

  test("is reported with its exit code, and the next job has a new child", async () => {
    const engine = engineProcess();
    await expect(engine.run("exit", 3)).rejects.toMatchObject({ name: "EngineCrashError", exitCode: 3 });
    await engine.run("sleep", 0);
  });

  test("while idle is found out by the next job, which gets a new child", async () => {
    const engine = engineProcess();
    await engine.run("sleep", 0);
    const pid = engine.pid as number;
    process.kill(pid, "SIGKILL");
    await untilDead(pid, 5000);
    await delay(100);
    expect((await engine.run("double", new Float32Array(1))).pid).not.toBe(pid);
  });

  test("at the start, because the jobs cannot be loaded, is reported with what was written", async () => {
    const engine = engineProcess({ jobsModule: new URL("./no-such-module.ts", import.meta.url) });
    const error = await engine.run("sleep", 0).catch((reason) => reason);
    expect(error).toMatchObject({ name: "EngineStartError", cause: { exitCode: 1 } });
    expect(error.message).toContain("no-such-module.ts");
  });
});

describe("cancelling", () => {
  test("kills the child and rejects with the signal's reason", async () => {
    const engine = engineProcess();
    const controller = new AbortController();
    let pid = 0;
    const onProgress = (child: number) => {
      pid = child;
      controller.abort(new Error("search cancelled"));
    };
    await expect(engine.run("spin", null, { signal: controller.signal, onProgress })).rejects.toThrow(
      "search cancelled",
    );
    expect(isAlive(pid)).toBe(false);
  });

  test("before the start runs nothing", async () => {
    const engine = engineProcess();
    await expect(engine.run("sleep", 0, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    expect(engine.pid).toBeUndefined();
  });

  test("by stop ends the job with an error", async () => {
    const engine = engineProcess();
    const job = expect(engine.run("sleep", 60_000)).rejects.toThrow("the engine process was stopped");
    await delay(100);
    await engine.stop();
    await job;
  });
});

test("an error thrown by the listener of progress ends the job with that error", async () => {
  const onProgress = () => {
    throw new Error("in the listener");
  };
  await expect(engineProcess().run("spin", null, { onProgress })).rejects.toThrow("in the listener");
});

test("the caller's event loop goes on while a job blocks its own", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  await expect(engineProcess().run("spin", null, { timeoutMs: 2000 })).rejects.toThrow("took longer");
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(20); // a blocked loop would tick once
});

describe("when its parent is killed", () => {
  test.each(["idle", "busy"])("an %s child ends too", async (kind) => {
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
    const script = fileURLToPath(new URL("./orphan-parent.ts", import.meta.url));
    const parent = spawn(process.execPath, ["--import", tsx, script, kind], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(parent.stdout, "data");
    const child = Number(String(line).trim());
    await delay(300); // by now a busy child blocks its thread
    expect(isAlive(child)).toBe(true);
    parent.kill("SIGKILL");
    expect(await untilDead(child, 10_000)).toBe(true);
  });
});
