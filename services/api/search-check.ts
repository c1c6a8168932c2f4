// What a schema cannot see in a SearchConfig: whether its parts fit each other. Faults point into the body.
import {
  beginSearch,
  checkGrammar,
  fitOptions,
  GenomeError,
  type Grammar,
  genomeCosts,
  leastDepth,
  operatorsAt,
  paletteEntry,
  parseGenome,
  repairGenome,
  type SearchConfig,
  setupOfSearch,
} from "../../genome/index.ts";
import { pointerTo } from "./json.ts";
import { type Fault, RequestInvalid } from "./validation.ts";

/** More trainable numbers in one candidate than any worker could hold with its gradients and moments. */
export const maximumParameters = 2e9;

/**
 * The search's first memory for a config that makes sense.
 * @param given the body as it was sent: what was left out has a default, which bends where what was asked for may not.
 * @throws RequestInvalid with every fault that was found.
 */
export function beginAlgorithm(config: SearchConfig, given: unknown): unknown {
  const setup = setupOfSearch(config);
  const faults = [
    ...repetitions(config),
    ...objectiveFaults(config),
    ...rungFaults(config),
    ...populationFaults(config),
    ...operatorFaults(config, setup.grammar, given),
    ...warmStartFaults(config, setup.grammar),
  ];
  if (faults.length > 0) throw new RequestInvalid("body", faults);
  return beginSearch(config);
}

function repetitions({ tasks, knownDesigns, space }: SearchConfig): Fault[] {
  const lists = [
    { path: ["tasks"], names: tasks },
    { path: ["knownDesigns"], names: knownDesigns },
    { path: ["space", "operators"], names: space.operators },
  ] as const;
  return lists.flatMap(({ path, names }) =>
    names.flatMap((name: string, index) =>
      (names as readonly string[]).indexOf(name) === index
        ? []
        : [{ pointer: pointerTo(...path, index), detail: `${name} is named twice` }],
    ),
  );
}

function objectiveFaults({ objectives, tasks }: SearchConfig): Fault[] {
  const scored: readonly string[] = tasks.map((task) => `score:${task}`);
  return objectives.flatMap(({ name, limit }, index) => {
    if (name.startsWith("score:") && !scored.includes(name)) {
      return [{ pointer: pointerTo("objectives", index, "name"), detail: `${name} is of a task that is not trained` }];
    }
    if (name !== "stepMs" || limit !== undefined) return [];
    const detail = "stepMs needs a limit in milliseconds: its worst is not known before it is measured";
    return [{ pointer: pointerTo("objectives", index, "limit"), detail }];
  });
}

function rungFaults({ fidelity, tasks }: SearchConfig): Fault[] {
  return (fidelity?.rungs ?? []).flatMap((rung, index) =>
    (rung.tasks ?? []).flatMap((task, place) =>
      tasks.includes(task)
        ? []
        : [
            {
              pointer: pointerTo("fidelity", "rungs", index, "tasks", place),
              detail: `${task} is not among the tasks`,
            },
          ],
    ),
  );
}

function populationFaults({ algorithm }: SearchConfig): Fault[] {
  if (!("elitism" in algorithm) || algorithm.elitism < algorithm.population) return [];
  const { elitism, population } = algorithm;
  const detail = `elitism ${elitism} leaves no place for children in a population of ${population}`;
  return [{ pointer: "/algorithm/elitism", detail }];
}

function operatorFaults({ space }: SearchConfig, grammar: Grammar, given: unknown): Fault[] {
  const { width, length } = grammar.shape;
  const misfits = space.operators.flatMap((name, index) =>
    fitOptions(name, {}, grammar.shape) === null
      ? [{ pointer: pointerTo("space", "operators", index), detail: `no options of ${name} fit width ${width}` }]
      : [],
  );
  if (misfits.length > 0 && isGiven(given, "space", "operators")) return misfits;
  try {
    checkGrammar(grammar);
  } catch (error) {
    return [faultOf(error, [])];
  }
  const largest = largestGenome(grammar);
  const { parameters } = genomeCosts(largest, grammar.shape, space.contextLength);
  if (parameters <= maximumParameters) return [];
  const detail =
    `a genome of depth ${space.depth} and width ${width} (length ${length}) may have ${parameters.toExponential(1)} ` +
    `parameters, more than ${maximumParameters.toExponential(0)}`;
  return [{ pointer: isGiven(given, "space", "width") ? "/space/width" : "/space/depth", detail }];
}

/** At each position the operator with the most parameters, at its default options. */
function largestGenome(grammar: Grammar) {
  const position = (index: number) => {
    const sizes = operatorsAt(grammar, index).map((name) => {
      const entry = paletteEntry(name);
      const options = fitOptions(name, {}, grammar.shape) ?? {};
      return { liv: entry.liv, options, parameters: entry.parameters(options, grammar.shape) };
    });
    const { liv, options } = sizes.reduce((a, b) => (b.parameters > a.parameters ? b : a));
    return { liv, options, featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  };
  const kinds = [position(0), position(1)] as const;
  return { segments: Array.from({ length: grammar.depth }, (_, index) => kinds[index % 2]!) };
}

/** Options may be refitted to the search's shape; operators and depth are what the person meant. */
function warmStartFaults({ warmStart }: SearchConfig, grammar: Grammar): Fault[] {
  return warmStart.flatMap((text, index) => {
    const fault = (detail: string) => [{ pointer: pointerTo("warmStart", index), detail }];
    try {
      const { segments } = parseGenome(text);
      if (segments.length < leastDepth(grammar) || segments.length > grammar.depth) {
        const depths = leastDepth(grammar) === grammar.depth ? "" : `${leastDepth(grammar)} to `;
        return fault(`the genome has ${segments.length} segments, the search has depth ${depths}${grammar.depth}`);
      }
      if (operatorsAt(grammar, 0).length === 0 || operatorsAt(grammar, 1).length === 0) return [];
      const repaired = repairGenome({ segments }, grammar).segments;
      const wrong = segments.findIndex(({ liv }, position) => liv !== repaired[position]?.liv);
      if (wrong < 0) return [];
      const allowed = operatorsAt(grammar, wrong).join(", ");
      return fault(`segment ${wrong + 1}: LIV class ${segments[wrong]?.liv} may not stand here (allowed: ${allowed})`);
    } catch (error) {
      return [faultOf(error, ["warmStart", index], false)];
    }
  });
}

/** @param keep whether the error's own pointer continues the path; it does not into a genome in text form. */
export function faultOf(error: unknown, path: readonly PropertyKey[], keep = true): Fault {
  if (!(error instanceof GenomeError)) throw error;
  return { pointer: pointerTo(...path) + (keep ? error.pointer : ""), detail: error.message };
}

function isGiven(body: unknown, ...path: readonly string[]): boolean {
  let value = body;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return true;
}
