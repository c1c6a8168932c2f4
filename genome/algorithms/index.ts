// Every search algorithm by its name in the search's config.
import { nsga2 } from "./nsga2.ts";
import { nsga2SteadyState } from "./nsga2-steady-state.ts";
import { random } from "./random.ts";
import { regularizedEvolution } from "./regularized-evolution.ts";
import type { Algorithm, AlgorithmName } from "./types.ts";

export const algorithms = {
  nsga2,
  "nsga2-steady-state": nsga2SteadyState,
  "regularized-evolution": regularizedEvolution,
  random,
} satisfies { readonly [Name in AlgorithmName]: Algorithm<Name> };

/** One algorithm under the common type, for code that reads its name from a config or a stored state. */
export function algorithmNamed(name: AlgorithmName): Algorithm {
  return algorithms[name];
}
