// Every operator of the palette with options that fit a small shape: a base variant, and each option changed by itself.
import {
  fitOptions,
  type ModelShape,
  type OperatorName,
  type Options,
  operatorNames,
  paletteEntry,
} from "../../genome/index.ts";

export interface Variant {
  /** Operator and, in brackets, what differs from its base variant. */
  readonly title: string;
  readonly name: OperatorName;
  readonly options: Options;
}

/** Two heads, so that a head has several channels; otherwise small values, to be quick. */
const wanted: Options = { heads: 2, filterOrder: 8, stateSize: 16, innerFactor: 2 };

/** One set of options per operator: the wanted ones where the operator has them, else its default. */
export function baseVariants(shape: ModelShape): Variant[] {
  return operatorNames.map((name) => {
    const options = fitOptions(name, wanted, shape);
    if (!options) throw new Error(`${name} has no options for width ${shape.width}`);
    return { title: name, name, options };
  });
}

/** The base variants, and each with one option at another value, wherever the shape allows it. */
export function allVariants(shape: ModelShape): Variant[] {
  return baseVariants(shape).flatMap(({ name, options }) => {
    const { options: values, conflict } = paletteEntry(name);
    const changed = Object.entries(values).flatMap(([option, allowed]) =>
      allowed
        .filter((value) => value !== options[option])
        .map(
          (value): Variant => ({
            title: `${name} (${option} ${value})`,
            name,
            options: { ...options, [option]: value },
          }),
        ),
    );
    return [{ title: name, name, options }, ...changed.filter((variant) => conflict(variant.options, shape) === null)];
  });
}

/** Every combination of the palette's values. */
export function combinations(name: OperatorName): Options[] {
  return Object.entries(paletteEntry(name).options).reduce<Options[]>(
    (made, [option, allowed]) => made.flatMap((options) => allowed.map((value) => ({ ...options, [option]: value }))),
    [{}],
  );
}
