// How good the search is, with the same number of evaluations for everybody.
//
//   npm run bench:search [-- --seeds 20 --candidates 268 --evaluations 25000 --algorithms nsga2,surrogate]
//
// Problems: NSGA-II on vectors, once with the paper's selection written plainly, once with ours (`selection.ts`), as the
// share of the true front's hypervolume that the last population reaches. Landscape: every algorithm of the registry on
// the simulated landscape, 16 workers, as the relative hypervolume of its front. A search sees noisy scores; its front is
// measured by the scores without noise. Each is tested against random search: Mann-Whitney's test on all seeds, and
// Wilcoxon's on pairs of one seed, which meet the same noise.
// Writes `results/search-quality.json` and the tables in `README.md`.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { selectSurvivors } from "../genome/algorithms/selection.ts";
import {
  type AlgorithmName,
  algorithms,
  type Genome,
  genomeCosts,
  grammarOf,
  hypervolume,
  nonDominated,
  parseGenome,
  referencePoint,
  relativeHypervolume,
  type SearchConfig,
  type SearchConfigInput,
  searchConfig,
  shapeOfSearch,
  toMinimized,
} from "../genome/index.ts";
import { expectedScores, simulatedOperators } from "../workers/simulate/landscape.ts";
import { simulateSearch } from "../workers/simulate/search.ts";
import { enumerateGenomes } from "./enumerate.ts";
import { type Problem, problems, referenceBound } from "./problems.ts";
import { evolve, type Selection, textbookSelection } from "./real-nsga2.ts";
import { mannWhitney, quantile, wilcoxonSignedRank } from "./statistics.ts";

const { values: given } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    candidates: { type: "string", default: "268" }, // STAR's 16 + 18 x 14
    evaluations: { type: "string", default: "25000" },
    algorithms: { type: "string", default: Object.keys(algorithms).join() },
  },
});
const seeds = Array.from({ length: Number(given.seeds) }, (_, seed) => seed);
const candidates = Number(given.candidates);
const evaluations = Number(given.evaluations);
const compared = given.algorithms.split(",").filter((name) => name !== "random") as AlgorithmName[];

const spaces = {
  /** Small enough to look at every genome. */
  small: { depth: 4, layout: "pairs", sharing: false, operators: ["mamba", "sliding-attention", "swiglu", "mlp"] },
  /** What a search has by default: ten thousand million genomes. */
  default: { operators: [...simulatedOperators] },
} satisfies Record<string, SearchConfigInput["space"]>;

const ourSelection: Selection = (points, count) =>
  selectSurvivors(
    points.map((objectives, number) => ({ number, objectives, violation: 0, failed: false })),
    count,
  ).map(({ number }) => number);

interface Summary {
  readonly median: number;
  readonly quartiles: readonly [number, number];
}

function summarize(values: readonly number[]): Summary {
  return { median: quantile(values, 0.5), quartiles: [quantile(values, 0.25), quantile(values, 0.75)] };
}

function measureProblem(name: string, problem: Problem) {
  const reference = Array.from({ length: problem.objectives }, () => referenceBound);
  const shares = (select: Selection) =>
    seeds.map((seed) => {
      const front = evolve(problem, select, { seed, population: 100, evaluations });
      return hypervolume(front, reference) / problem.frontHypervolume;
    });
  const [textbook, ours] = [shares(textbookSelection), shares(ourSelection)];
  const { p } = mannWhitney(ours, textbook);
  return { problem: name, textbook: summarize(textbook), ours: summarize(ours), p };
}

function configOf(space: SearchConfigInput["space"], algorithm: AlgorithmName, seed: number): SearchConfig {
  return searchConfig.parse({
    ...{ seed, space, profile: "fast", knownDesigns: [], budget: { candidates }, algorithm: { name: algorithm } },
  });
}

/** Minimised objectives with the score that the landscape has without noise. */
function truePoint(genome: Genome, { objectives, space, tasks, ...config }: SearchConfig): number[] {
  const shape = shapeOfSearch({ ...config, space });
  const scores = expectedScores(genome, shape.width);
  const score = tasks.reduce((sum, task) => sum + scores[task], 0) / tasks.length;
  return toMinimized(objectives, { score, ...genomeCosts(genome, shape, space.contextLength) });
}

function referenceOf(config: SearchConfig): number[] {
  return referencePoint(config.objectives, shapeOfSearch(config), config.space.contextLength);
}

function hypervolumeReached(config: SearchConfig): number {
  const seen: { genome: Genome; point: number[] }[] = [];
  simulateSearch(config, { workers: 16 }, ({ genome, score, ...costs }) => {
    if (score !== null)
      seen.push({ genome: parseGenome(genome), point: toMinimized(config.objectives, { ...costs, score }) });
  });
  const front = nonDominated(seen.map(({ point }) => point)).map((index) => seen[index]!.genome);
  return relativeHypervolume(
    front.map((genome) => truePoint(genome, config)),
    referenceOf(config),
  );
}

function measureSpace(name: string, space: SearchConfigInput["space"]) {
  const reached = (algorithm: AlgorithmName) =>
    seeds.map((seed) => {
      const value = hypervolumeReached(configOf(space, algorithm, seed));
      process.stderr.write(`${name}, ${algorithm}, seed ${seed}: ${value.toFixed(4)}\n`);
      return value;
    });
  const random = reached("random");
  const rows = compared.map((algorithm) => {
    const values = reached(algorithm);
    return {
      ...{ algorithm, ...summarize(values) },
      wins: values.filter((value, index) => value > random[index]!).length,
      mannWhitney: mannWhitney(values, random).p,
      wilcoxon: wilcoxonSignedRank(values, random).p,
    };
  });
  return { space: name, best: bestOf(name, space), random: summarize(random), algorithms: rows };
}

/** Of the true front, where every genome can be looked at. */
function bestOf(name: string, space: SearchConfigInput["space"]): number | null {
  if (name !== "small") return null;
  const config = configOf(space, "random", 0);
  const points = [...enumerateGenomes(grammarOf(config.space, shapeOfSearch(config)))].map((genome) =>
    truePoint(genome, config),
  );
  return relativeHypervolume(points, referenceOf(config));
}

const report = {
  date: new Date().toISOString().slice(0, 10),
  ...{ node: process.version, seeds: seeds.length, candidates, evaluations },
  problems: Object.entries(problems).map(([name, problem]) => measureProblem(name, problem)),
  landscape: Object.entries(spaces).map(([name, space]) => measureSpace(name, space)),
};
writeFileSync(new URL("results/search-quality.json", import.meta.url), `${JSON.stringify(report, null, 2)}\n`);

const readme = new URL("README.md", import.meta.url);
const [begin, end] = ["<!-- search-quality -->", "<!-- /search-quality -->"];
const text = readFileSync(readme, "utf8");
const [before, after] = [text.slice(0, text.indexOf(begin)), text.slice(text.indexOf(end))];
writeFileSync(readme, `${before}${begin}\n${describeReport()}\n${after}`);

function describeReport(): string {
  const number = (value: number) => value.toFixed(4);
  const spread = ({ median, quartiles }: Summary) => `${number(median)} (${quartiles.map(number).join(" to ")})`;
  const chance = (p: number) => (p < 1e-4 ? p.toExponential(0) : p.toFixed(4));
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
    [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
  return [
    `${report.date}, ${report.seeds} seeds, median (quartiles).`,
    `Share of the true front's hypervolume after ${evaluations} evaluations, population 100:`,
    table(
      ["problem", "textbook NSGA-II", "with our selection", "p, Mann-Whitney"],
      report.problems.map(({ problem, textbook, ours, p }) => [problem, spread(textbook), spread(ours), chance(p)]),
    ),
    ...report.landscape.flatMap(({ space, best, random, algorithms: rows }) => [
      `Relative hypervolume on the simulated landscape, ${space} space, after ${candidates} candidates${
        best === null ? "" : `; the true front has ${number(best)}`
      }:`,
      table(
        ["algorithm", "hypervolume", "better than random", "p, Mann-Whitney", "p, Wilcoxon"],
        [
          ["random", spread(random), "", "", ""],
          ...rows.map(({ algorithm, wins, mannWhitney, wilcoxon, ...summary }) => [
            ...[algorithm, spread(summary), `${wins} of ${report.seeds}`, chance(mannWhitney), chance(wilcoxon)],
          ]),
        ],
      ),
    ]),
  ].join("\n\n");
}
