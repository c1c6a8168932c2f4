// Published architectures as named genomes, the yardstick in every plot. Four positions, as in MAD's protocol of two
// blocks of sequence mixer and channel mixer (Poli et al. 2024, arXiv:2403.17844). A striped design has one block of each
// of its sequence mixers.
//
// Based (Arora et al. 2024, arXiv:2402.18668) stands without its short convolutions: Taylor linear attention and a window
// of 128. Monarch Mixer (Fu et al. 2023, arXiv:2310.12109) has a dense channel mixer where the paper has a block-diagonal
// one. MH-Hyena, GLA and StripedHyena 2 wait for their operators.

export interface KnownDesign {
  readonly title: string;
  /** Text form. */
  readonly genome: string;
}

export const knownDesigns = {
  "transformer++": { title: "Transformer++", genome: "11111-91111-11111-91111" },
  hyena: { title: "Hyena", genome: "81111-91111-81111-91111" },
  mamba: { title: "Mamba", genome: "51111-91111-51111-91111" },
  "striped-hyena": { title: "Striped Hyena", genome: "81111-91111-11111-91111" },
  "striped-mamba": { title: "StripedMamba", genome: "51111-91111-11111-91111" },
  based: {
    title: "Based",
    genome: "[19]1111{featureDim=16,featureMap=taylor}-91111-[18]1111{window=128}-91111",
  },
  "monarch-mixer": { title: "Monarch Mixer", genome: "[21]1111-[22]1111-[21]1111-[22]1111" },
} satisfies Record<string, KnownDesign>;

export type KnownDesignName = keyof typeof knownDesigns;

export const knownDesignNames = Object.keys(knownDesigns) as [KnownDesignName, ...KnownDesignName[]];
