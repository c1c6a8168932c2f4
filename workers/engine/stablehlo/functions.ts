// Functions that StableHLO lacks, of f32 operands.
import type { Block, Operand } from "./module.ts";

/** Odd rational approximation, made for [-4, 4] (the coefficients of Eigen). */
const numerator = [
  ...[-2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5],
  ...[-7.34990630326855e-4, -2.95459980854025e-3, -1.60960333262415e-2],
];
const denominator = [
  ...[-1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3],
  ...[-7.37332916720468e-3, -1.42647390514189e-2],
];

/** erfc(x) = t exp(-x^2 + p(t)) with t = 1 / (1 + x/2), x > 0 (Press et al., "Numerical Recipes", erfcc). */
const complement = [
  ...[0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807],
  ...[-0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223],
];

/** The quotient up to 1, its complement beyond, where the quotient's last digits are lost. */
export function erf(block: Block, x: Operand): Operand {
  const constant = (value: number) => block.constant(value, x.shape, x.type);
  const polynomial = ([first = 0, ...rest]: readonly number[], of: Operand) =>
    rest.reduce(
      (sum, coefficient) => block.op("add", block.op("multiply", sum, of), constant(coefficient)),
      constant(first),
    );
  const one = constant(1);
  const distance = block.op("abs", x);
  const near = block.op("maximum", block.op("minimum", x, one), constant(-1));
  const square = block.op("multiply", near, near);
  const ratio = block.op(
    "divide",
    block.op("multiply", near, polynomial(numerator, square)),
    polynomial(denominator, square),
  );
  const t = block.op("divide", one, block.op("add", one, block.op("multiply", distance, constant(0.5))));
  const exponent = block.op("subtract", polynomial(complement, t), block.op("multiply", x, x));
  const rest = block.op("multiply", t, block.op("exponential", exponent));
  const far = block.op("multiply", block.op("sign", x), block.op("subtract", one, rest));
  return block.select(block.compare("LT", distance, one), ratio, far);
}

/** log(1 + exp(x)) without overflow. */
export function softplus(block: Block, x: Operand): Operand {
  const decayed = block.op("exponential", block.op("negate", block.op("abs", x)));
  const above = block.op("maximum", x, block.constant(0, x.shape, x.type));
  return block.op("add", above, block.op("log_plus_one", decayed));
}
