// The engine on a fake plugin, which computes and counts.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PjrtEngineOptions } from "../../../../workers/engine/pjrt/engine.ts";
import { pjrtEngine } from "../../../../workers/engine/pjrt/engine.ts";
import type { Program } from "../../../../workers/engine/types.ts";
import { describeWith } from "../../../require.ts";
import {
  amounts,
  buildFakePlugin,
  counter,
  counterStart,
  type FakePlugin,
  fakeLower,
  reader,
  readerStart,
} from "./fake-plugin.ts";

const nothing = { errors: 0, events: 0, buffers: 0, executables: 0, serialized: 0 };

describeWith("compiler", "PJRT engine", () => {
  let fake: FakePlugin;
  beforeAll(() => {
    fake = buildFakePlugin();
  });
  afterAll(() => fake.remove());

  const start = (options: Partial<PjrtEngineOptions> & { extra?: string } = {}) =>
    pjrtEngine({ plugin: fake.file, capacity: 4, lower: fakeLower(options.extra), ...options });
  const numbers = (values: ArrayLike<number> | undefined) => [...Array.from(values ?? [])];

  /** The loop that the device runs: two totals, the outputs of every step. */
  const expected = (steps: number, total = [1, 2]) => {
    const scaled: number[] = [];
    const { amount } = amounts(steps);
    for (let k = 0; k < steps; k++) {
      total = total.map((value, i) => value + (amount[2 * k + i] ?? 0));
      scaled.push(...total.map((value) => 2 * value));
    }
    return { total, scaled };
  };

  test.each([1, 3, 4, 5, 11])("%i steps in calls of at most 4 equal the loop", async (steps) => {
    const engine = await start();
    const program = await engine.compile(counter, counterStart);
    const before = fake.counters();
    const { scaled } = await program.run(steps, amounts(steps));
    expect(numbers(scaled)).toEqual(expected(steps).scaled);
    expect(numbers((await program.state()).total)).toEqual(expected(steps).total);
    expect(fake.counters().executions - before.executions).toBe(Math.ceil(steps / 4));
    await program.dispose();
    engine.client.close();
    expect(fake.counters()).toMatchObject({ ...nothing, clients: 0 });
  });

  test("a second run that is called before the first has ended goes on from its state", async () => {
    const engine = await start({ extra: "run-ms=20" });
    const program = await engine.compile(counter, counterStart);
    const began = fake.counters().executions;
    const both = [program.run(3, amounts(3)), program.run(3, amounts(3))];
    expect(fake.counters().executions - began).toBe(2); // both are on the device already
    const [first, second] = await Promise.all(both);
    expect(numbers(first?.scaled)).toEqual(expected(3).scaled);
    expect(numbers(second?.scaled)).toEqual(expected(3, expected(3).total).scaled);
    await program.dispose();
    engine.client.close();
  });

  test("the state's memory goes from call to call, except while it is read", async () => {
    const engine = await start();
    const program = await engine.compile(counter, counterStart);
    const { donations } = fake.counters();
    await program.run(4, amounts(4));
    expect(fake.counters()).toMatchObject({ donations: donations + 1, buffers: 2 });
    const reading = program.state();
    const running = program.run(4, amounts(4));
    expect(fake.counters().donations).toBe(donations + 1);
    expect(numbers((await reading).total)).toEqual(expected(4).total);
    await running;
    await program.run(4, amounts(4));
    expect(fake.counters()).toMatchObject({ donations: donations + 2, buffers: 2 });
    await program.dispose();
    engine.client.close();
  });

  test("a program adopts another's state by reference, and both go on", async () => {
    const engine = await start();
    const trained = await engine.compile(counter, counterStart);
    const evaluated = await engine.compile(reader, readerStart);
    const { buffers } = fake.counters();
    await trained.run(2, amounts(2));
    await evaluated.adoptState(trained);
    expect(fake.counters().buffers).toBe(buffers - 1);
    await trained.run(1, amounts(1)); // must leave the shared memory as it is
    const { sum } = await evaluated.run(1, { amount: Float32Array.of(0, 0) });
    expect(numbers(sum)).toEqual(expected(2).total);
    expect(numbers((await trained.state()).total)).toEqual([5, 42]);
    await trained.dispose();
    expect(numbers((await evaluated.run(1, { amount: Float32Array.of(0, 0) })).sum)).toEqual(expected(2).total);
    await evaluated.dispose();
    engine.client.close();
    expect(fake.counters()).toMatchObject(nothing);
  });

  test("a program of another engine lends its state through the host", async () => {
    const [one, other] = [await start(), await start()];
    const trained = await one.compile(counter, counterStart);
    const evaluated = await other.compile(reader, readerStart);
    await trained.run(2, amounts(2));
    await evaluated.adoptState(trained);
    expect(numbers((await evaluated.state()).total)).toEqual(expected(2).total);
    const shape = { total: { shape: [1, 2], dtype: "float32" } } as const;
    const different = await one.compile({ ...reader, state: shape }, readerStart);
    await expect(different.adoptState(trained)).rejects.toThrow(
      'reader: state "total" is float32[2], expected float32[1,2]',
    );
    for (const program of [trained, evaluated, different]) await program.dispose();
    one.client.close();
    other.client.close();
  });

  test("the state can be put back, and is the caller's to change", async () => {
    const engine = await start();
    const program = await engine.compile(counter, counterStart);
    const saved = await program.state();
    const first = await program.run(3, amounts(3));
    await program.setState(saved);
    saved.total?.fill(1000);
    expect(await program.run(3, amounts(3))).toEqual(first);
    expect(program.memory).toEqual({ stateBytes: 8, temporaryBytes: 0 });
    await program.dispose();
    engine.client.close();
  });

  test("10,000 steps leave no object behind and no memory", async () => {
    const engine = await start();
    const program = await engine.compile(counter, counterStart);
    const batch = amounts(4);
    const train = async (steps: number) => {
      for (let done = 0; done < steps; done += 8) {
        await Promise.all([program.run(4, batch), program.run(4, batch)]);
      }
    };
    await train(2000);
    const { buffers } = fake.counters();
    const residentBytes = process.memoryUsage.rss();
    await train(10_000);
    expect(fake.counters()).toMatchObject({ errors: 0, events: 0, buffers });
    expect(process.memoryUsage.rss() - residentBytes).toBeLessThan(40 * 2 ** 20);
    await program.dispose();
    await program.dispose();
    expect(fake.counters()).toMatchObject(nothing);
    engine.client.close();
    expect(fake.counters().clients).toBe(0);
  });

  test("a compilation leaves the thread free, and a training goes on beside it", async () => {
    const engine = await start();
    const program = await engine.compile(counter, counterStart);
    const slow = await start({ extra: "compile-ms=400" });
    let compiled: Program | undefined;
    const compiling = slow.compile(counter, counterStart).then((made) => {
      compiled = made;
    });
    let runs = 0;
    while (compiled === undefined) {
      await program.run(4, amounts(4));
      runs++;
    }
    expect(runs).toBeGreaterThan(5);
    await compiling;
    for (const each of [program, compiled]) await each.dispose();
    for (const { client } of [engine, slow]) client.close();
  });

  test("what was enqueued still ends after dispose, and nothing more begins", async () => {
    const engine = await start({ extra: "run-ms=30" });
    const program = await engine.compile(counter, counterStart);
    const running = program.run(3, amounts(3));
    const disposed = program.dispose();
    await sleep(5);
    expect(fake.counters().executables).toBe(2);
    await expect(program.run(3, amounts(3))).rejects.toThrow("counter: the program was disposed of");
    await expect(program.state()).rejects.toThrow("counter: the program was disposed of");
    await expect(program.setState(counterStart.state)).rejects.toThrow("counter: the program was disposed of");
    expect(numbers((await running).scaled)).toEqual(expected(3).scaled);
    await disposed;
    expect(fake.counters()).toMatchObject(nothing);
    engine.client.close();
  });

  test("a device out of memory is an error with its code, and the state is still there", async () => {
    const engine = await start({ extra: "fail=execute fail-from=2" });
    const program = await engine.compile(counter, counterStart);
    await program.run(2, amounts(2));
    const failed = program.run(2, amounts(2));
    await expect(failed).rejects.toThrow(
      "counter: running failed: LoadedExecutable_Execute: RESOURCE_EXHAUSTED: Out of memory while trying",
    );
    await expect(failed).rejects.toMatchObject({ name: "EngineError", cause: { code: "RESOURCE_EXHAUSTED" } });
    expect(numbers((await program.state()).total)).toEqual(expected(2).total);
    await program.dispose();
    expect(fake.counters()).toMatchObject(nothing);
    engine.client.close();
  });

  test("a failure on the device loses the state, until another is set", async () => {
    const engine = await start({ extra: "fail=event fail-from=2 run-ms=10" });
    const program = await engine.compile(counter, counterStart);
    await program.run(2, amounts(2));
    await expect(program.run(6, amounts(6))).rejects.toThrow("the fake device broke while it computed");
    await expect(program.state()).rejects.toThrow("counter: its state was lost when an earlier call failed");
    await program.setState(counterStart.state);
    expect(numbers((await program.state()).total)).toEqual([1, 2]);
    await program.dispose();
    expect(fake.counters()).toMatchObject(nothing);
    engine.client.close();
  });

  test("a module that the plugin refuses is shown with the line it means", async () => {
    const engine = await start({ extra: "fail=refuse" });
    await expect(engine.compile(counter, counterStart)).rejects.toThrow(
      /^counter: the PJRT plugin refused the compiled step: Client_Compile: INVALID_ARGUMENT: .*\n2 \| nonsense$/,
    );
    expect(fake.counters()).toMatchObject(nothing);
    engine.client.close();
  });

  test("wrong values never reach the plugin", async () => {
    const engine = await start();
    const wrong = { ...counterStart, constants: { factor: Float32Array.of(1, 2) } };
    await expect(engine.compile(counter, wrong)).rejects.toThrow('constant "factor" is float32[2], expected float32[]');
    const program = await engine.compile(counter, counterStart);
    await expect(program.run(4, amounts(3))).rejects.toThrow('batch entry "amount" is float32[6], expected 4 x');
    await expect(program.setState({})).rejects.toThrow('state "total" is missing');
    await program.dispose();
    const lower = fakeLower();
    const wide = await start({
      lower: (step, options) => {
        const lowered = lower(step, options);
        const spec = { shape: [4, 3], dtype: "float32" } as const;
        return { ...lowered, results: [lowered.results[0]!, { name: "scaled", kind: "outputs", spec }] };
      },
    });
    const other = await wide.compile(counter, counterStart);
    await expect(other.run(1, amounts(1))).rejects.toThrow(
      '"scaled" is [4,2] of type 11 on the device, expected float32[4,3]',
    );
    await other.dispose();
    expect(fake.counters()).toMatchObject(nothing);
    for (const { client } of [engine, wide]) client.close();
  });

  test("client and compiler get their options", async () => {
    const flags = { xla_gpu_autotune_level: 2, xla_gpu_graph: true, fraction: 0.5, name: "a" };
    const engine = await start({ memoryFraction: 0.25, flags });
    expect(fake.clientOptions()).toBe("preallocate=false visible_devices=0 memory_fraction=0.250");
    expect(engine.client).toMatchObject({ platform: "fake", platformVersion: "1.0", deviceKind: "Fake 1" });
    expect(engine.client.memory()).toEqual({ usedBytes: 10, peakBytes: 20, limitBytes: 30 });
    await (await engine.compile(counter, counterStart)).dispose();
    const hex = (text: string) => Buffer.from(text).toString("hex");
    expect(fake.compileOptions()).toBe(
      [
        "1a0f08ffffffffffffffffff0120012801", // 3: {1: -1, 4: 1, 5: 1}
        `3a1c0a16${hex("xla_gpu_autotune_level")}12021802`, // 7: {key, value: {int 3: 2}}
        `3a130a0d${hex("xla_gpu_graph")}12021001`, // value: {bool 2: true}
        `3a110a08${hex("fraction")}12050a03${hex("0.5")}`, // value: {string 1}
        `3a0b0a04${hex("name")}12030a01${hex("a")}`,
      ].join(""),
    );
    engine.client.close();
    await expect(start({ memoryFraction: 2 })).rejects.toThrow("the memory fraction is 2, expected a number in (0, 1]");
  });
});
