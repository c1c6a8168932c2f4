// Surrogate-assisted evolution: of many mutants, the one that is expected to add most to the front is trained.
//
// A Gaussian process over genome features (`features.ts`) predicts what must be trained for; costs are exact. A mutant's
// worth is its expected hypervolume improvement (Emmerich et al. 2011, doi:10.1109/CEC.2011.5949880) over the front of
// what was told, within the reference point of the search, by quantiles of the prediction. Mutants beyond a limit by
// their costs alone come last. Parents are picked as in NSGA-II.
import { genomeCosts } from "../costs.ts";
import { nonDominated } from "../dominance.ts";
import { hypervolume } from "../hypervolume.ts";
import { referencePoint, toMinimized, violationOf } from "../objectives.ts";
import { parseGenome } from "../text.ts";
import { draftChild, genomeOf, pickByTournament } from "./breeding.ts";
import { featurizer } from "./features.ts";
import { fitGaussianProcess, type Prediction } from "./gaussian-process.ts";
import type { Member } from "./members.ts";
import { type Draft, draftNew } from "./proposing.ts";
import { selectSurvivors } from "./selection.ts";
import { steadyState } from "./steady-state.ts";
import type { Kept } from "./types.ts";

type Setup = Kept<"surrogate">;

export const surrogate = steadyState<"surrogate", readonly Member[]>({
  name: "surrogate",
  empty: [],
  founders: ({ founders }) => founders,

  learn(memory, member) {
    const known = [...memory, member];
    if (known.length <= 2 * half) return known;
    return [...selectSurvivors(known.slice(0, -half), half), ...known.slice(-half)];
  },

  breed(memory, setup, known, random) {
    if (memory.length === 0) return null;
    const parents = selectSurvivors(memory, setup.options.population);
    const mutants = Array.from({ length: setup.options.mutants }, (_, mutant) =>
      draftNew(known, (attempt) => {
        const stream = random.split(mutant).split(attempt);
        const mother = pickByTournament(parents, setup.options, stream.split("mother"));
        const father = pickByTournament(parents, setup.options, stream.split("father"));
        return draftChild({ mother, father }, setup, attempt, stream);
      }),
    );
    const trained = memory.filter(({ failed, violation }) => !failed && violation <= 0);
    return trained.length < leastTrained ? mutants[0]! : mostPromising(mutants, trained, setup);
  },
});

/** The newest so many are remembered, and the fittest so many of the others. */
const half = 100;
/** With fewer results there is nothing to predict from. */
const leastTrained = 8;
/** Of the standard normal distribution: the middles of eight equal parts. */
const quantiles = [-1.534, -0.887, -0.489, -0.157, 0.157, 0.489, 0.887, 1.534];

function mostPromising(mutants: readonly Draft[], trained: readonly Member[], setup: Setup): Draft {
  const reference = referencePoint(setup.objectives, setup.grammar.shape, setup.contextLength);
  const scale = (point: readonly number[]) => point.map((value, i) => value / (reference[i]! || 1));
  const front = nonDominated(trained.map(({ objectives }) => objectives)).map((i) => scale(trained[i]!.objectives));
  const box = reference.map((bound) => (bound === 0 ? 0 : Math.sign(bound)));
  const present = hypervolume(front, box);

  const predict = predictorOf(trained, setup);
  const judged = mutants.map((mutant) => {
    const { predictions, violation } = predict(mutant.genome);
    const outcomes = quantiles.map((_, i) =>
      scale(predictions.map(({ mean, deviation }, k) => mean + deviation * quantiles[(i + 3 * k) % quantiles.length]!)),
    );
    const gains = outcomes.map((outcome) => hypervolume([...front, outcome], box) - present);
    const gain = gains.reduce((sum, value) => sum + value, 0);
    const distance = scale(predictions.map(({ mean }) => mean)).reduce((sum, value) => sum + value, 0);
    return { mutant, violation, gain, distance };
  });
  judged.sort((a, b) => a.violation - b.violation || b.gain - a.gain || a.distance - b.distance);
  return judged[0]!.mutant;
}

/** For a genome the prediction of each objective, exact ones without deviation, and how far its costs miss the limits. */
function predictorOf(trained: readonly Member[], { objectives, grammar, contextLength }: Setup) {
  const featuresOf = featurizer(grammar, contextLength);
  const points = trained.map((member) => featuresOf(genomeOf(member, grammar)));
  const processes = objectives.map(({ name }, k) =>
    exactNames.has(name)
      ? null
      : fitGaussianProcess(
          points,
          trained.map((member) => member.objectives[k]!),
        ),
  );
  return (text: string): { predictions: readonly Prediction[]; violation: number } => {
    const genome = parseGenome(text);
    const costs = genomeCosts(genome, grammar.shape, contextLength);
    const exact = toMinimized(objectives, { score: 0, ...costs });
    const features = featuresOf(genome);
    return {
      predictions: processes.map((process, k) => process?.(features) ?? { mean: exact[k]!, deviation: 0 }),
      violation: violationOf(objectives, costs),
    };
  };
}

/** Known from the genome alone. */
const exactNames: ReadonlySet<string> = new Set(["parameters", "stateBytes", "flopsPerToken"]);
