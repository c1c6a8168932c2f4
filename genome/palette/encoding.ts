// STAR's lower two levels as data: what stands behind each class number.
//
// Thomas et al. 2024, "STAR: Synthesis of Tailored Architectures", arXiv:2411.17800. Classes 7 and 8 are
// the paper's operator genomes, 1, 5 and 9 those of its re-implementations; 18 to 22 are written here with the same
// numbers, and featurizer class 0 because STAR has none for them. Of the featurizer genome the groups alone are given.

import type { FeatureGroup } from "./types.ts";

export const tokenMixings = { 1: "diagonal", 2: "low rank", 3: "scaled Toeplitz", 4: "semi-separable" } as const;
export const sparsities = { 1: "none", 2: "banded" } as const;
export const nonlinearities = { 1: "none", 2: "softmax", 3: "ReLU", 4: "Swish" } as const;
export const channelMixings = { 1: "diagonal", 2: "dense", 3: "grouped" } as const;

export interface OperatorEncoding {
  /** STAR's featurizer class 1 to 9, 0 for operators that STAR does not have. */
  readonly featurizer: number;
  readonly tokenMixing: keyof typeof tokenMixings;
  readonly sparsity: keyof typeof sparsities;
  readonly nonlinearity: keyof typeof nonlinearities;
  readonly channelMixing: keyof typeof channelMixings;
  /** Feature groups that the featurizer makes. */
  readonly groups: readonly FeatureGroup[];
}

type Digits = readonly [
  number,
  keyof typeof tokenMixings,
  keyof typeof sparsities,
  keyof typeof nonlinearities,
  keyof typeof channelMixings,
];

function encoding(
  [featurizer, tokenMixing, sparsity, nonlinearity, channelMixing]: Digits,
  groups: string,
): OperatorEncoding {
  return {
    ...{ featurizer, tokenMixing, sparsity, nonlinearity, channelMixing },
    groups: groups.split(" ") as FeatureGroup[],
  };
}

/** By LIV class; reserved classes have no entry. */
export const operatorEncodings: Readonly<Record<number, OperatorEncoding>> = {
  1: encoding([1, 2, 1, 2, 3], "B C V"),
  5: encoding([5, 4, 1, 1, 1], "A B C V"),
  7: encoding([7, 3, 1, 1, 1], "B C V K"),
  8: encoding([8, 3, 1, 1, 1], "B C V K"),
  9: encoding([9, 1, 1, 4, 2], "C V"),
  18: encoding([0, 2, 2, 2, 3], "B C V"),
  19: encoding([0, 2, 1, 1, 3], "B C V"),
  20: encoding([0, 3, 1, 1, 1], "V K"),
  21: encoding([0, 3, 1, 1, 1], "B C V K"),
  22: encoding([0, 1, 1, 1, 2], "V"),
};

/** The five integers as STAR writes them, e.g. `12123`. */
export function operatorGenome(liv: number): string | null {
  const known = operatorEncodings[liv];
  if (known === undefined) return null;
  const { featurizer, tokenMixing, sparsity, nonlinearity, channelMixing } = known;
  return [featurizer, tokenMixing, sparsity, nonlinearity, channelMixing].join("");
}
