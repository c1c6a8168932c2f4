// Test problems with known fronts, everything in [0, 1] and minimised.
//
// ZDT1-3: Zitzler, Deb, Thiele 2000, doi:10.1162/106365600568202. DTLZ2: Deb, Thiele, Laumanns, Zitzler 2002,
// doi:10.1109/CEC.2002.1007032.
import { hypervolume } from "../genome/index.ts";

export interface Problem {
  readonly variables: number;
  readonly objectives: number;
  evaluate(x: readonly number[]): number[];
  /** Of the true front, within 1.1 in every objective. */
  readonly frontHypervolume: number;
}

export const referenceBound = 1.1;

/** f2 = g h(f1, g) with g from 1 on the front. */
function zdt(h: (f1: number, g: number) => number, frontHypervolume: number): Problem {
  return {
    ...{ variables: 30, objectives: 2, frontHypervolume },
    evaluate([f1 = 0, ...rest]) {
      const g = 1 + (9 * rest.reduce((sum, value) => sum + value, 0)) / rest.length;
      return [f1, g * h(f1, g)];
    },
  };
}

const zdt3 = (f1: number, g: number) => 1 - Math.sqrt(f1 / g) - (f1 / g) * Math.sin(10 * Math.PI * f1);

/** The front of ZDT3 is in five pieces: what its curve dominates, on a fine grid. */
function zdt3Hypervolume(): number {
  const steps = 100_000;
  const curve = Array.from({ length: steps + 1 }, (_, i) => [i / steps, zdt3(i / steps, 1)]);
  return hypervolume(curve, [referenceBound, referenceBound]);
}

export const problems = {
  /** The front is 1 - sqrt(f1): the box less the integral below it. */
  zdt1: zdt((f1, g) => 1 - Math.sqrt(f1 / g), referenceBound ** 2 - 1 / 3),
  /** The front is 1 - f1^2. */
  zdt2: zdt((f1, g) => 1 - (f1 / g) ** 2, referenceBound ** 2 - 2 / 3),
  zdt3: zdt(zdt3, zdt3Hypervolume()),
  /** The front is an eighth of the unit sphere. */
  dtlz2: {
    ...{ variables: 12, objectives: 3, frontHypervolume: referenceBound ** 3 - Math.PI / 6 },
    evaluate([a = 0, b = 0, ...rest]) {
      const g = rest.reduce((sum, value) => sum + (value - 0.5) ** 2, 0);
      const [alpha, beta] = [(a * Math.PI) / 2, (b * Math.PI) / 2];
      return [
        (1 + g) * Math.cos(alpha) * Math.cos(beta),
        (1 + g) * Math.cos(alpha) * Math.sin(beta),
        (1 + g) * Math.sin(alpha),
      ];
    },
  },
} satisfies Record<string, Problem>;
