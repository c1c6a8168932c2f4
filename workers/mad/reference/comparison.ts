// The verdict over everything that was compared in one record.
import { differenceOf, type Tolerance } from "../../../operators/comparison.ts";
import type { ReferenceRecord, ReferenceVerdict } from "../../../operators/reference-case.ts";

export interface Compared {
  /** `grad.*` counts as a gradient. */
  readonly name: string;
  readonly actual: ArrayLike<number>;
  readonly published: ArrayLike<number>;
  readonly tolerance: Tolerance;
}

export const exactly: Tolerance = { rtol: 0, atol: 0 };

/** What the record asks of float32. */
export function toleranceOf({ description }: ReferenceRecord): Tolerance {
  const { float32 } = (description.tolerance ?? {}) as { float32?: Partial<Tolerance> };
  return { rtol: 1e-5, atol: 1e-6, ...float32 };
}

/** `notes` are sentences about what is wrong besides numbers; any of them fails the record. */
export function verdictOf(compared: readonly Compared[], notes: readonly string[] = []): ReferenceVerdict {
  if (compared.length === 0) return unsupported("The record holds no tensor that is compared.");
  const wrong = [...notes];
  const errors: { y: number | null; gradients: number | null } = { y: null, gradients: null };
  for (const { name, actual, published, tolerance } of compared) {
    if (actual.length !== published.length) {
      wrong.push(`"${name}" has ${actual.length} values instead of ${published.length}.`);
      continue;
    }
    const { error, isWithin } = differenceOf(actual, published, tolerance);
    const kind = name.startsWith("grad.") ? "gradients" : "y";
    errors[kind] = Math.max(errors[kind] ?? 0, error);
    if (!isWithin) wrong.push(`"${name}" differs by ${error.toExponential(1)}.`);
  }
  return {
    verdict: wrong.length === 0 ? "pass" : "fail",
    maxErrorY: errors.y,
    maxErrorGradients: errors.gradients,
    detail: wrong.join(" "),
  };
}

export function unsupported(detail: string): ReferenceVerdict {
  return { verdict: "unsupported", maxErrorY: null, maxErrorGradients: null, detail };
}
