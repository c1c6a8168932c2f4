// Does memory stay where it is over many steps, and over many compilations?
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { chooseEngine, engineNames } from "../workers/engine/select.ts";
import { precisions } from "../workers/engine/sources.ts";
import type { Engine } from "../workers/engine/types.ts";
import { architectureNames } from "./engine/architectures.ts";
import { describeDevice, describeMachine, deviceMemory, megabytes } from "./engine/machine.ts";
import { count, oneOf } from "./engine/options.ts";
import { prepareWorkload, type Workload } from "./engine/workload.ts";

const help = `node --import tsx bench/leak.ts [options]

Memory of the process, and on the device where its client counts it, over rounds of compiling, one step and disposal,
and over many steps of one program: after the first, and the least in the middle third and in the last, because garbage
is collected now and then. Exit code 1 if it grows from the middle to the last by more than is allowed.

  --engine NAME      ${engineNames.join(", ")}; default onnxruntime
  --arch NAME        ${architectureNames.join(", ")}, or any operator; default mamba+swiglu
  --rounds N         default 50
  --steps N          default 10000
  --call N           steps in one call; default 100
  --growth N         megabytes of growth that are allowed; default 64
  --batch N          default 128
  --length N         default 128
  --width N          default 128
  --precision NAME   ${precisions.join(", ")}; default auto
  --plugin FILE      a PJRT plugin
  --json FILE        where the result goes
`;

const { values: given } = parseArgs({
  options: {
    engine: { type: "string", default: "onnxruntime" },
    arch: { type: "string", default: "mamba+swiglu" },
    rounds: { type: "string", default: "50" },
    steps: { type: "string", default: "10000" },
    call: { type: "string", default: "100" },
    growth: { type: "string", default: "64" },
    batch: { type: "string", default: "128" },
    length: { type: "string", default: "128" },
    width: { type: "string", default: "128" },
    precision: { type: "string", default: "auto" },
    plugin: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

main().then(
  (isTight) => process.exit(isTight ? 0 : 1),
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
  const [rounds, steps, perCall] = [
    count("rounds", given.rounds, 3),
    count("steps", given.steps),
    count("call", given.call),
  ];
  const growth = count("growth", given.growth, 0);
  const name = oneOf("engine", given.engine, engineNames);
  const settings = { precision: oneOf("precision", given.precision, precisions), plugin: given.plugin };
  const sizes = {
    width: count("width", given.width),
    length: count("length", given.length, 2),
    batch: count("batch", given.batch),
    ...{ vocabulary: 16, members: 1 },
  };
  const { engine } = await chooseEngine(name, settings);
  const workload = await prepareWorkload(given.arch, sizes);
  const found = [
    await watchMemory("rounds", rounds, engine, (round) => oneRound(workload, engine, round)),
    await watchSteps(workload, engine, steps, perCall),
  ];
  for (const { what, start, middle, end } of found) console.log(JSON.stringify({ what, start, middle, end }));
  const report = { date: new Date().toISOString(), machine: await describeMachine(), ...describeDevice(engine) };
  if (given.json) {
    const asked = { engine: name, arch: given.arch, sizes, ...settings, rounds, steps, perCall, growth };
    writeFileSync(given.json, `${JSON.stringify({ ...report, ...asked, found }, null, 2)}\n`);
  }
  const grown = found.filter(({ middle, end }) => grows(middle, end, growth)).map(({ what }) => what);
  console.log(grown.length === 0 ? "memory stays" : `memory grows over ${grown.join(" and ")}`);
  return grown.length === 0;
}

interface Memory {
  readonly residentMegabytes: number;
  readonly deviceMegabytes?: number | undefined;
}

async function oneRound(workload: Workload, engine: Engine, round: number): Promise<void> {
  const program = await workload.compile(engine);
  await program.run(1, workload.batches(round, 1));
  await program.dispose();
}

async function watchSteps(workload: Workload, engine: Engine, steps: number, perCall: number) {
  const program = await workload.compile(engine);
  const calls = Math.max(3, Math.ceil(steps / perCall));
  const found = await watchMemory("steps", calls, engine, async (call) => {
    await program.run(perCall, workload.batches(call * perCall, perCall));
  });
  await program.dispose();
  return found;
}

/** The first time loads and allocates what stays. */
async function watchMemory(what: string, times: number, engine: Engine, run: (time: number) => Promise<void>) {
  const samples: Memory[] = [];
  for (let time = 0; time < times; time++) {
    await run(time);
    samples.push(memoryNow(engine));
  }
  const third = Math.floor(samples.length / 3);
  const [middle, end] = [leastOf(samples.slice(third, -third)), leastOf(samples.slice(-third))];
  return { what, times, start: samples[0] as Memory, middle, end, samples };
}

function leastOf(samples: readonly Memory[]): Memory {
  const least = (of: (sample: Memory) => number | undefined) => {
    const known = samples.map(of).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  };
  return {
    residentMegabytes: least(({ residentMegabytes }) => residentMegabytes) as number,
    deviceMegabytes: least(({ deviceMegabytes }) => deviceMegabytes),
  };
}

function memoryNow(engine: Engine): Memory {
  const device = deviceMemory(engine);
  return {
    residentMegabytes: megabytes(process.memoryUsage.rss()),
    deviceMegabytes: device && megabytes(device.usedBytes),
  };
}

function grows(middle: Memory, end: Memory, allowed: number): boolean {
  const device = (end.deviceMegabytes ?? 0) - (middle.deviceMegabytes ?? 0);
  return end.residentMegabytes - middle.residentMegabytes > allowed || device > allowed;
}
