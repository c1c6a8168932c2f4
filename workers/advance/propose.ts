// From a genome to a candidate row: its exact costs, whether they keep the limits, and what it will be trained on.
import {
  type Costs,
  canonicalGenome,
  fitGenome,
  formatGenome,
  type Genome,
  genomeCosts,
  genomeHash,
  knownDesigns,
  type ModelShape,
  type Proposal as Offspring,
  objectiveValue,
  parseGenome,
  type SearchConfig,
  sha256,
  violationOf,
} from "../../genome/index.ts";
import type { JsonObject, Proposal, ProposedEvaluation } from "../../services/platform/store/types.ts";
import { settingsOf } from "../mad/profiles.ts";
import { recipes } from "../mad/recipe.ts";
import { trainingFlops } from "../mad/training-flops.ts";

/** The yardstick, always trained, whatever the limits say. */
export function proposeKnownDesigns(config: SearchConfig, shape: ModelShape): Proposal[] {
  return config.knownDesigns.map((name) => {
    const genome = canonicalGenome(fitGenome(parseGenome(knownDesigns[name].genome), shape));
    const costs = genomeCosts(genome, shape, config.space.contextLength);
    return {
      genome: formatGenome(genome),
      genomeHash: genomeHash(genome),
      knownDesign: name,
      generation: 0,
      parents: [],
      variation: { kind: "known-design", parents: [], changes: [] },
      ...costs,
      feasible: violationOf(config.objectives, costs) === 0,
      evaluations: evaluationsOf(genome, genomeHash(genome), config, lastRung(config)),
    };
  });
}

/** A candidate that breaks a limit by its costs alone is finished at once: no training could mend it. */
export function proposeOffspring(offspring: Offspring, config: SearchConfig, shape: ModelShape): Proposal {
  const genome = parseGenome(offspring.genome, shape);
  const costs = genomeCosts(genome, shape, config.space.contextLength);
  const feasible = violationOf(config.objectives, costs) === 0;
  return {
    genome: offspring.genome,
    genomeHash: offspring.hash,
    generation: offspring.generation,
    parents: offspring.variation.parents,
    variation: offspring.variation as unknown as JsonObject,
    ...costs,
    feasible,
    ...(feasible ? {} : { pruned: describeExcess(costs, config) }),
    isFinal: !feasible || lastRung(config) === 0,
    evaluations: feasible ? evaluationsOf(genome, offspring.hash, config, 0) : [],
  };
}

/** The rung of the full training. */
export function lastRung({ fidelity }: SearchConfig): number {
  return fidelity?.rungs.length ?? 0;
}

/** What a candidate is trained on for a rung. */
export function evaluationsOf(genome: Genome, hash: string, config: SearchConfig, rung: number): ProposedEvaluation[] {
  const { tasks, steps } = config.fidelity?.rungs[rung] ?? { tasks: null, steps: 1 };
  const effort = { width: config.space.width, share: steps };
  return settingsOf(config.profile, tasks ?? config.tasks, effort).map((setting) => ({
    task: setting.data.task,
    setting: setting as unknown as JsonObject,
    resultKey: resultKey(hash, setting, config),
    seed: config.seed,
    flops: trainingFlops(genome, setting),
  }));
}

/** Equal for evaluations that would give the same result: genome, setting, recipe version and seed. */
function resultKey(hash: string, setting: unknown, { recipe, seed }: SearchConfig): string {
  return sha256(JSON.stringify([hash, setting, recipes[recipe].version, seed]));
}

function describeExcess(costs: Costs, { objectives }: SearchConfig): string {
  const broken = objectives.flatMap(({ name, limit }) => {
    const cost = objectiveValue(name, costs);
    if (cost === null || limit === undefined || cost <= limit) return [];
    return [`${name} ${cost} is above the limit ${limit}`];
  });
  return `not trained: ${broken.join(", ")}`;
}
