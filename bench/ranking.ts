// Ranking and hypervolume: the least time of many warm calls on points as a search has them, beside the bars.
//
// `npx tsx bench/ranking.ts --json bench/results/ranking.json` keeps the result.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { hypervolume, Random, rankByDominance } from "../genome/index.ts";

interface Case {
  readonly what: string;
  /** Milliseconds. */
  readonly bar: number | null;
  readonly run: () => unknown;
}

const cases: readonly Case[] = [
  { what: "ranks of 200 x 2", bar: null, run: ranking(200, 2) },
  { what: "ranks of 200 x 3", bar: 0.5, run: ranking(200, 3) },
  { what: "ranks of 200 x 4", bar: null, run: ranking(200, 4) },
  { what: "ranks of 2,000 x 2", bar: null, run: ranking(2000, 2) },
  { what: "ranks of 2,000 x 3", bar: 15, run: ranking(2000, 3) },
  { what: "ranks of 2,000 x 4", bar: null, run: ranking(2000, 4) },
  { what: "hypervolume of 1,000 x 2", bar: null, run: measuring(1000, 2) },
  { what: "hypervolume of 1,000 x 3", bar: 2, run: measuring(1000, 3) },
  { what: "hypervolume of 100 x 4", bar: 2, run: measuring(100, 4) },
  { what: "hypervolume of 500 x 4", bar: 50, run: measuring(500, 4) },
];

const { values } = parseArgs({ options: { json: { type: "string" } } });
const measured = cases.map(({ what, bar, run }) => ({ what, bar, ...time(run) }));
for (const { what, bar, leastMs, medianMs } of measured) {
  const limit = bar === null ? "" : `  bar ${bar} ms`;
  console.log(`${what.padEnd(26)} least ${leastMs.toFixed(3)} ms  median ${medianMs.toFixed(3)} ms${limit}`);
}
if (values.json !== undefined) {
  const machine = { processor: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
  const record = { date: new Date().toISOString(), machine, cases: measured };
  writeFileSync(values.json, `${JSON.stringify(record, null, 2)}\n`);
}

/** Uniform in the unit cube: many fronts. */
function ranking(count: number, objectives: number): () => unknown {
  const random = new Random(`${count} x ${objectives}`);
  const points = Array.from({ length: count }, () => Array.from({ length: objectives }, () => random.uniform()));
  return () => rankByDominance(points);
}

/** All on one front, the unit sphere's octant around the reference point. */
function measuring(count: number, objectives: number): () => unknown {
  const random = new Random(`${count} x ${objectives}`);
  const points = Array.from({ length: count }, () => {
    const direction = Array.from({ length: objectives }, () => Math.abs(random.normal()));
    const length = Math.hypot(...direction);
    return direction.map((value) => 1 - value / length);
  });
  const reference = new Array<number>(objectives).fill(1);
  return () => hypervolume(points, reference);
}

/** Of at least 20 calls and a quarter of a second, after as many to warm up. */
function time(run: () => unknown): { leastMs: number; medianMs: number } {
  const calls = () => {
    const times: number[] = [];
    for (const start = performance.now(); times.length < 20 || performance.now() - start < 250; ) {
      const before = performance.now();
      run();
      times.push(performance.now() - before);
    }
    return times.sort((a, b) => a - b);
  };
  calls();
  const times = calls();
  return { leastMs: times[0]!, medianMs: times[times.length >> 1]! };
}
