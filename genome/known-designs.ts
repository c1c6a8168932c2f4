// Published architectures as named genomes, the yardstick in every plot. Four positions, as in MAD's protocol of two
// blocks of sequence mixer and channel mixer (Poli et al. 2024, arXiv:2403.17844).

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
} satisfies Record<string, KnownDesign>;

export type KnownDesignName = keyof typeof knownDesigns;

export const knownDesignNames = Object.keys(knownDesigns) as [KnownDesignName, ...KnownDesignName[]];
