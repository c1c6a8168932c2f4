// The form of a new search: what its fields hold, and the SearchConfig they make.
//
// The service alone judges: a number that is none is sent as it was typed, and the refusal comes back beside the field.
import {
  type ObjectiveName,
  objectiveDirections,
  operatorNames,
  type SearchConfig,
  searchConfig,
} from "../../genome/index.ts";
import type { Refusal } from "../api.ts";

/** Numbers are texts while they are typed; an empty one means "not set". */
export interface SearchForm {
  readonly name: string;
  readonly profile: string;
  readonly recipe: string;
  readonly seed: string;
  readonly objectives: readonly ObjectiveRow[];
  readonly depth: string;
  readonly width: string;
  readonly layout: string;
  readonly contextLength: string;
  readonly operators: readonly string[];
  readonly algorithm: string;
  readonly population: string;
  readonly mutationRate: string;
  readonly crossoverPoints: string;
  readonly elitism: string;
  readonly tournament: string;
  readonly candidates: string;
  readonly wallMinutes: string;
  readonly evaluations: string;
  readonly deviceMinutes: string;
  readonly flops: string;
  readonly concurrency: string;
  /** Shares of the training at which weak candidates are stopped, with commas between them; empty means never. */
  readonly rungs: string;
  readonly eta: string;
  readonly cohort: string;
  readonly tasks: readonly string[];
  readonly knownDesigns: readonly string[];
  /** One genome a line. */
  readonly warmStart: string;
  readonly deterministic: boolean;
  readonly timeoutSeconds: string;
  readonly memoryMb: string;
  /** What has no field, as it was in the search that is copied. */
  readonly kept: Pick<SearchConfig, "algorithm"> & Pick<SearchConfig["space"], "sharing" | "minDepth" | "mutability">;
}

export interface ObjectiveRow {
  readonly name: ObjectiveName;
  readonly chosen: boolean;
  readonly limit: string;
}

export const defaultConfig: SearchConfig = searchConfig.parse({});

/** What the algorithm's fields hold while another algorithm is chosen. */
const nsga2Defaults = searchConfig.parse({ algorithm: { name: "nsga2" } }).algorithm;

export function formOf(config: SearchConfig): SearchForm {
  const { space, algorithm, budget, evaluation } = config;
  const nsga2 = algorithm.name === "nsga2" ? algorithm : nsga2Defaults;
  const limits = new Map(config.objectives.map(({ name, limit }) => [name, limit]));
  const names = Object.keys(objectiveDirections) as ObjectiveName[];
  return {
    name: config.name === defaultConfig.name ? "" : config.name,
    profile: config.profile,
    recipe: config.recipe,
    seed: text(config.seed),
    objectives: names.map((name) => ({ name, chosen: limits.has(name), limit: text(limits.get(name)) })),
    depth: text(space.depth),
    width: text(space.width),
    layout: space.layout,
    contextLength: text(space.contextLength),
    operators: space.operators,
    algorithm: algorithm.name,
    ...(nsga2.name === "nsga2"
      ? {
          population: text(nsga2.population),
          mutationRate: text(nsga2.mutationRate),
          crossoverPoints: text(nsga2.crossoverPoints),
          elitism: text(nsga2.elitism),
          tournament: text(nsga2.tournament),
        }
      : { population: "", mutationRate: "", crossoverPoints: "", elitism: "", tournament: "" }),
    candidates: text(budget.candidates),
    wallMinutes: minutes(budget.wallSeconds),
    evaluations: text(budget.evaluations),
    deviceMinutes: minutes(budget.deviceSeconds),
    flops: text(budget.flops),
    concurrency: text(config.concurrency),
    rungs: (config.fidelity?.rungs ?? []).map(({ steps, tasks }) => [steps, ...(tasks ?? [])].join(" ")).join(", "),
    eta: text(config.fidelity?.eta ?? 3),
    cohort: text(config.fidelity?.cohort ?? 16),
    tasks: config.tasks,
    knownDesigns: config.knownDesigns,
    warmStart: config.warmStart.join("\n"),
    deterministic: config.deterministic,
    timeoutSeconds: text(evaluation.timeoutSeconds),
    memoryMb: text(evaluation.memoryMb),
    kept: { algorithm, sharing: space.sharing, minDepth: space.minDepth, mutability: space.mutability },
  };
}

/** The body of `POST /searches`. */
export function configOf(form: SearchForm) {
  const { kept } = form;
  return {
    name: form.name.trim() || defaultConfig.name,
    profile: form.profile,
    recipe: form.recipe,
    seed: numberOf(form.seed),
    objectives: form.objectives
      .filter(({ chosen }) => chosen)
      .map(({ name, limit }) => ({ name, ...(limit.trim() !== "" && { limit: numberOf(limit) }) })),
    space: {
      depth: numberOf(form.depth),
      layout: form.layout,
      contextLength: numberOf(form.contextLength),
      // What is left out adapts itself to the profile; what is said must hold as it stands.
      ...(form.width.trim() !== "" && { width: numberOf(form.width) }),
      ...(form.operators.length !== operatorNames.length && { operators: form.operators }),
      ...(kept.sharing !== defaultConfig.space.sharing && { sharing: kept.sharing }),
      ...(kept.minDepth !== null && { minDepth: kept.minDepth }),
      ...(kept.mutability !== null && { mutability: kept.mutability }),
    },
    algorithm: {
      ...(kept.algorithm.name === form.algorithm ? kept.algorithm : { name: form.algorithm }),
      ...(form.algorithm === "nsga2" && nsga2Of(form)),
    },
    tasks: form.tasks,
    budget: {
      candidates: numberOf(form.candidates),
      evaluations: numberOf(form.evaluations),
      wallSeconds: secondsOf(form.wallMinutes),
      deviceSeconds: secondsOf(form.deviceMinutes),
      flops: numberOf(form.flops),
    },
    concurrency: numberOf(form.concurrency),
    fidelity: fidelityOf(form),
    knownDesigns: form.knownDesigns,
    warmStart: form.warmStart
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
    deterministic: form.deterministic,
    evaluation: { timeoutSeconds: numberOf(form.timeoutSeconds), memoryMb: numberOf(form.memoryMb) },
  };
}

/** A rung is typed as its share of the steps, and the names of its tasks where they are not all. */
function fidelityOf({ rungs, eta, cohort }: SearchForm) {
  if (rungs.trim() === "") return null;
  const typed = rungs.split(",").map((rung) => rung.trim().split(/\s+/));
  return {
    rungs: typed.map(([steps = "", ...tasks]) => ({ steps: numberOf(steps), ...(tasks.length > 0 && { tasks }) })),
    eta: numberOf(eta),
    cohort: numberOf(cohort),
  };
}

function nsga2Of(form: SearchForm) {
  return {
    name: "nsga2",
    population: numberOf(form.population),
    mutationRate: numberOf(form.mutationRate),
    crossoverPoints: numberOf(form.crossoverPoints),
    elitism: numberOf(form.elitism),
    tournament: numberOf(form.tournament),
  };
}

function numberOf(typed: string): number | string | null {
  if (typed.trim() === "") return null;
  const value = Number(typed);
  return Number.isFinite(value) ? value : typed;
}

function secondsOf(typed: string): number | string | null {
  const value = numberOf(typed);
  return typeof value === "number" ? value * 60 : value;
}

function minutes(seconds: number | null): string {
  return seconds === null ? "" : text(seconds / 60);
}

function text(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}

/** Refusals by the field they belong beside; those of no field are under "". */
export function refusalsByField(refusals: readonly Refusal[], fields: readonly string[]): Map<string, string[]> {
  const byField = new Map<string, string[]>();
  for (const { pointer, detail } of refusals) {
    const owners = fields.filter((field) => pointer === field || pointer.startsWith(`${field}/`));
    const field = owners.sort((a, b) => b.length - a.length)[0] ?? "";
    const said = field === "" && pointer !== "" ? `${pointer}: ${detail}` : detail;
    byField.set(field, [...(byField.get(field) ?? []), said]);
  }
  return byField;
}

/** How a person would send the same search from a shell; the key stays in a variable. */
export function curlCommand(config: unknown, origin: string): string {
  const body = JSON.stringify(config, null, 2).replaceAll("'", "'\\''");
  return [
    `curl -X POST '${origin}api/v1/searches' \\`,
    `  -H "Authorization: Bearer $STARLING_API_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${body}'`,
  ].join("\n");
}
