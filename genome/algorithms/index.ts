// Every search algorithm by its name in the search's config.
import { firefly } from "./firefly.ts";
import { mapElites } from "./map-elites.ts";
import { nsga2 } from "./nsga2.ts";
import { nsga2SteadyState } from "./nsga2-steady-state.ts";
import { nsga3 } from "./nsga3.ts";
import { random } from "./random.ts";
import { regularizedEvolution } from "./regularized-evolution.ts";
import { surrogate } from "./surrogate.ts";
import type { Algorithm, AlgorithmName } from "./types.ts";

export const algorithms = {
  nsga2,
  "nsga2-steady-state": nsga2SteadyState,
  nsga3,
  "regularized-evolution": regularizedEvolution,
  "map-elites": mapElites,
  firefly,
  surrogate,
  random,
} satisfies { readonly [Name in AlgorithmName]: Algorithm<Name> };

/** One algorithm under the common type, for code that reads its name from a config or a stored state. */
export function algorithmNamed(name: AlgorithmName): Algorithm {
  return algorithms[name];
}
