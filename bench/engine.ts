// One training step of named architectures on any engines, and beside them in PyTorch and JAX.
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type EngineName, type EngineSettings, engineNames } from "../workers/engine/select.ts";
import { precisions } from "../workers/engine/sources.ts";
import { measureAlone } from "./engine/alone.ts";
import { architectureNames, architectures } from "./engine/architectures.ts";
import { describeMachine } from "./engine/machine.ts";
import { measureStep, type Timing } from "./engine/measure.ts";
import { count, list, oneOf } from "./engine/options.ts";
import { checkPeer, type PeerName, peerNames, runPeer } from "./engine/peers.ts";
import type { Sizes } from "./engine/workload.ts";

const help = `npm run bench:engine -- [options]

Time, compilation and memory of one training step, AdamW included: two pairs of a sequence mixer and SwiGLU on MAD's
in-context recall with generated data, learning rate 5e-4, weight decay 0.1.

  --engines LIST     ${engineNames.join(", ")}; default onnxruntime, "" for none
  --archs LIST       ${architectureNames.join(", ")};
                     or any operator, which then mixes in both pairs; default the six
  --peers LIST       ${peerNames.join(", ")}: the same models in PyTorch and JAX, where --python can import them
  --python FILE      default python3
  --torch-modes LIST see bench/peers/torch_step.py --help; default those of the device that torch finds
  --peer-tokens N    tokens T of a peer's sequence; default the length, to which engines on GPUs fill theirs as well
  --seconds N        of timing for each measurement of a peer; default 5
  --isolate          every measurement in a process of its own, so that memory and first compilation are its own
  --batch N          default 128
  --length N         default 128, of which recall has N - 1 tokens in a sequence
  --width N          default 128
  --vocabulary N     default 16
  --members N        models trained side by side in one program; default 1
  --steps N          training steps in one call; default 20
  --calls N          calls that are timed, after one that is not; default 5
  --threads N        processor threads; default all
  --precision NAME   ${precisions.join(", ")}; default auto
  --plugin FILE      a PJRT plugin
  --remark TEXT      kept in the file
  --json FILE        where the result goes, written anew after each measurement

Milliseconds are the median of the calls, and their least: other work on the machine only adds to it. An engine that
takes calls in advance is given the next one before the last has ended, as in training. Compilation is the first in its
process, then a second one of the same step. Memory is the most that was held, on the device where the engine knows it;
without --isolate that counts what was measured before. What fails is reported, and the rest goes on.
`;

const { values: given } = parseArgs({
  options: {
    engines: { type: "string", default: "onnxruntime" },
    archs: { type: "string", default: architectureNames.join() },
    peers: { type: "string", default: "" },
    python: { type: "string", default: "python3" },
    "torch-modes": { type: "string" },
    "peer-tokens": { type: "string" },
    seconds: { type: "string", default: "5" },
    isolate: { type: "boolean", default: false },
    batch: { type: "string", default: "128" },
    length: { type: "string", default: "128" },
    width: { type: "string", default: "128" },
    vocabulary: { type: "string", default: "16" },
    members: { type: "string", default: "1" },
    steps: { type: "string", default: "20" },
    calls: { type: "string", default: "5" },
    threads: { type: "string", default: "0" },
    precision: { type: "string", default: "auto" },
    plugin: { type: "string" },
    remark: { type: "string", default: "" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

type Row = Readonly<Record<string, unknown>>;

main().then(
  () => process.exit(), // engines may hold threads
  (error) => {
    console.error(String(error));
    process.exit(1);
  },
);

async function main(): Promise<void> {
  if (given.help) {
    process.stdout.write(help);
    return;
  }
  const engines = list(given.engines).map((name) => oneOf("engines", name, engineNames));
  const wanted = list(given.peers).map((name) => oneOf("peers", name, peerNames));
  const archs = list(given.archs);
  const sizes: Sizes = {
    width: count("width", given.width),
    length: count("length", given.length, 2),
    vocabulary: count("vocabulary", given.vocabulary, 2),
    batch: count("batch", given.batch),
    members: count("members", given.members),
  };
  const timing = { steps: count("steps", given.steps), calls: count("calls", given.calls) };
  const settings = {
    threads: count("threads", given.threads, 0) || availableParallelism(),
    precision: oneOf("precision", given.precision, precisions),
    plugin: given.plugin,
  };

  const { date, machine } = { date: new Date().toISOString(), machine: await describeMachine() };
  const measurements: Row[] = [];
  const record = (row: Row) => {
    measurements.push(row);
    console.log(tableRow(row));
    const report = { date, machine, remark: given.remark, sizes, timing, settings, measurements };
    if (given.json) writeFileSync(given.json, `${JSON.stringify(report, null, 2)}\n`);
  };
  console.log(tableHead());
  for (const engine of engines) await measureEngine(engine, archs, { sizes, timing, settings }, record);
  for (const peer of wanted) await measurePeer(peer, archs, sizes, settings.threads, record);
}

async function measureEngine(
  engine: EngineName,
  archs: readonly string[],
  how: { readonly sizes: Sizes; readonly timing: Timing; readonly settings: EngineSettings },
  record: (row: Row) => void,
): Promise<void> {
  const measure = given.isolate ? measureAlone : measureStep;
  for (const arch of archs) {
    const found = await measure({ engine, arch, ...how }).catch((error: unknown) => ({
      error: String(error),
    }));
    record({ engine, arch, ...found });
  }
}

async function measurePeer(
  peer: PeerName,
  archs: readonly string[],
  sizes: Sizes,
  threads: number,
  record: (row: Row) => void,
): Promise<void> {
  const tokens = count("peer-tokens", given["peer-tokens"] ?? String(sizes.length));
  const theirs = archs.filter((arch) => arch in architectures);
  const options = [
    ...["--batch", String(sizes.batch), "--length", String(sizes.length), "--tokens", String(tokens)],
    ...["--width", String(sizes.width), "--vocabulary", String(sizes.vocabulary), "--seconds", given.seconds],
    ...(peer === "torch" ? ["--threads", String(threads)] : []),
    ...(peer === "torch" && given["torch-modes"] ? ["--modes", given["torch-modes"]] : []),
  ];
  const failed = (archs: readonly string[]) => (error: unknown) =>
    record({ peer, arch: archs.join(), error: String(error) });
  try {
    checkPeer(peer, given.python);
  } catch (error) {
    failed(theirs)(error);
    return;
  }
  for (const group of given.isolate ? theirs.map((arch) => [arch]) : [theirs]) {
    await runPeer(peer, given.python, ["--archs", group.join(), ...options], threads, record).catch(failed(group));
  }
}

const columns: readonly (readonly [title: string, width: number, key: string])[] = [
  ["ms/step", 10, "medianMs"],
  ["least", 10, "leastMs"],
  ["steps/s", 10, "stepsPerSecond"],
  ["compile s", 11, "compileSeconds"],
  ["again s", 9, "recompileSeconds"],
  ["device MB", 11, "deviceMegabytes"],
  ["resident MB", 13, "residentMegabytes"],
];

function tableHead(): string {
  return ["who".padEnd(28), "architecture".padEnd(32), ...columns.map(([title, width]) => title.padStart(width))].join(
    "",
  );
}

function tableRow(row: Row): string {
  const who = row.engine ?? [row.peer, row.mode, row.threads && `${row.threads} threads`].filter(Boolean).join(" ");
  const head = `${String(who).padEnd(28)}${String(row.arch).padEnd(31)} `;
  if (row.error !== undefined) return `${head}${row.error}`;
  return head + columns.map(([, width, key]) => String(row[key] ?? "-").padStart(width)).join("");
}
