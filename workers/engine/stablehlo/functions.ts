// Functions that StableHLO lacks, of f32 operands.
import type { Block, Operand } from "./module.ts";

/** Odd rational approximation on [-4, 4], beyond which erf is 1 in f32 (the coefficients of Eigen's `perf`). */
const numerator = [
  ...[-2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5],
  ...[-7.34990630326855e-4, -2.95459980854025e-3, -1.60960333262415e-2],
];
const denominator = [
  ...[-1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3],
  ...[-7.37332916720468e-3, -1.42647390514189e-2],
];

/** Within 2e-7 of erf. */
export function erf(block: Block, x: Operand): Operand {
  const constant = (value: number) => block.constant(value, x.shape, x.type);
  const bounded = block.op("minimum", block.op("maximum", x, constant(-4)), constant(4));
  const square = block.op("multiply", bounded, bounded);
  const polynomial = ([first = 0, ...rest]: readonly number[]) =>
    rest.reduce(
      (sum, coefficient) => block.op("add", block.op("multiply", sum, square), constant(coefficient)),
      constant(first),
    );
  return block.op("divide", block.op("multiply", bounded, polynomial(numerator)), polynomial(denominator));
}

/** log(1 + exp(x)) without overflow. */
export function softplus(block: Block, x: Operand): Operand {
  const decayed = block.op("exponential", block.op("negate", block.op("abs", x)));
  const above = block.op("maximum", x, block.constant(0, x.shape, x.type));
  return block.op("add", above, block.op("log_plus_one", decayed));
}
