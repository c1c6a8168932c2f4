// The LIV class numbers, frozen for ever: a number is never reused and never changes its meaning.
//
// 1-17 are STAR's (Thomas et al. 2024, "STAR: Synthesis of Tailored Architectures", arXiv:2411.17800), the rest of the
// zoo follows from 18. A reserved class has its number and its name, but no operator in the palette yet.

export interface LivClass {
  /** The operator's name in the palette, or the one it will have. */
  readonly name: string;
  /** STAR's name, null for classes that STAR does not have. */
  readonly star: string | null;
  readonly reserved: boolean;
}

export const livClasses: Readonly<Record<number, LivClass>> = {
  1: { name: "attention", star: "SA-1", reserved: false },
  2: { name: "convolved-attention", star: "SA-2", reserved: true },
  3: { name: "grouped-query-attention", star: "SA-3", reserved: true },
  4: { name: "multi-query-attention", star: "SA-4", reserved: true },
  5: { name: "mamba", star: "Rec-1", reserved: false },
  6: { name: "narrow-recurrence", star: "Rec-2", reserved: true },
  7: { name: "gated-short-convolution", star: "GConv-1", reserved: false },
  8: { name: "hyena", star: "GConv-2", reserved: false },
  9: { name: "swiglu", star: "GMemless", reserved: false },
  10: { name: "differential-attention", star: "SA-1-Diff", reserved: true },
  11: { name: "differential-convolved-attention", star: "SA-2-Diff", reserved: true },
  12: { name: "differential-grouped-query-attention", star: "SA-3-Diff", reserved: true },
  13: { name: "differential-multi-query-attention", star: "SA-4-Diff", reserved: true },
  14: { name: "differential-mamba", star: "Rec-1-Diff", reserved: true },
  15: { name: "differential-narrow-recurrence", star: "Rec-2-Diff", reserved: true },
  16: { name: "differential-gated-short-convolution", star: "GConv-1-Diff", reserved: true },
  17: { name: "differential-hyena", star: "GConv-2-Diff", reserved: true },
  18: { name: "sliding-attention", star: null, reserved: false },
  19: { name: "linear-attention", star: null, reserved: false },
  20: { name: "s4d", star: null, reserved: false },
  21: { name: "monarch-mixer", star: null, reserved: false },
  22: { name: "mlp", star: null, reserved: false },
};
