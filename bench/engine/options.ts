// Options of a command line, checked.

/** @throws RangeError naming the option and the value. */
export function count(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} is "${text}", expected a whole number of at least ${least}`);
}

export function list(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

/** @throws RangeError naming the option, the value and what is allowed. */
export function oneOf<Name extends string>(name: string, text: string, allowed: readonly Name[]): Name {
  const found = allowed.find((other) => other === text);
  if (found !== undefined) return found;
  throw new RangeError(`--${name} is "${text}", expected one of ${allowed.join(", ")}`);
}
