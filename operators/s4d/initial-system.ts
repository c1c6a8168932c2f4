// Where S4D's A and B start: A_n = -decay_n - i frequency_n.
//
// Gu et al. 2022, arXiv:2206.11893, section 4.2; HiPPO measures from arXiv:2111.00396 (LegS) and arXiv:2206.12037 (FouT).
// Published layouts order the HiPPO frequencies from the highest down and keep both parts of A at 1e-4 or more.
import { symmetricEigen } from "./symmetric-eigen.ts";

export type Initialisation = "lin" | "inv" | "real" | "legs" | "fourier";

export interface InitialSystem {
  readonly decay: readonly number[];
  readonly frequency: readonly number[];
  /** Real: the phases of the eigenvectors that B is seen in are free. */
  readonly b: readonly number[];
}

/** The N / 2 stored states of a system with N = `size`. */
export function initialSystem(initialisation: Initialisation, size: number): InitialSystem {
  const { decay, frequency, b } = systems[initialisation](size);
  return { decay: decay.map(atLeast), frequency: frequency.map(atLeast), b };
}

const systems = {
  lin: (size) => plain(size, (n) => [0.5, Math.PI * n]),
  inv: (size) => plain(size, (n) => [0.5, (size / Math.PI) * (size / (2 * n + 1) - 1)]),
  real: (size) => plain(size, (n) => [n + 1, 0]),
  legs: memoised(scaledLegendre),

  /** Blocks of frequency pi n; B is sqrt(2) on their cosines, and 1 on the constant. */
  fourier(size) {
    const frequency = Array.from({ length: size / 2 }, (_, n) => Math.PI * n).toReversed();
    return { decay: frequency.map(() => 0), frequency, b: frequency.map((f) => (f === 0 ? Math.SQRT1_2 : 1)) };
  },
} satisfies Record<Initialisation, (size: number) => InitialSystem>;

function plain(size: number, state: (n: number) => [decay: number, frequency: number]): InitialSystem {
  const states = Array.from({ length: size / 2 }, (_, n) => state(n));
  return { decay: states.map(([decay]) => decay), frequency: states.map(([, f]) => f), b: states.map(() => 1) };
}

/**
 * The normal part of HiPPO-LegS is -1/2 plus the skew matrix S with S_nk = -1/2 sqrt(2n+1) sqrt(2k+1) below the
 * diagonal. S^T S has every squared frequency twice; B's part in that plane is shared by the conjugate pair.
 */
function scaledLegendre(size: number): InitialSystem {
  const root = Array.from({ length: size }, (_, n) => Math.sqrt(2 * n + 1));
  const skew = root.map((a, n) => root.map((b, k) => 0.5 * Math.sign(k - n) * a * b));
  const gram = root.map((_, n) =>
    root.map((_, k) => skew.reduce((sum, row) => sum + (row[n] ?? 0) * (row[k] ?? 0), 0)),
  );
  const planes = symmetricEigen(gram)
    .map(({ value, vector }) => ({ value, part: vector.reduce((sum, v, n) => sum + v * (root[n] ?? 0), 0) }))
    .sort((one, other) => other.value - one.value);
  const pairs = Array.from({ length: size / 2 }, (_, n) => planes.slice(2 * n, 2 * n + 2));
  return {
    decay: pairs.map(() => 0.5),
    frequency: pairs.map((pair) => Math.sqrt(pair.reduce((sum, { value }) => sum + value, 0) / 2)),
    b: pairs.map((pair) => Math.hypot(...pair.map(({ part }) => part)) * Math.SQRT1_2),
  };
}

function atLeast(part: number): number {
  return Math.max(part, 1e-4);
}

function memoised<V>(compute: (size: number) => V): (size: number) => V {
  const known = new Map<number, V>();
  return (size) => {
    const value = known.get(size) ?? compute(size);
    known.set(size, value);
    return value;
  };
}
