// What the algorithms remember of a result.
import type { Fitness } from "./selection.ts";
import type { Result } from "./types.ts";

/** A told candidate; failed and infeasible ones have no objectives. */
export interface Member extends Fitness {
  readonly genome: string;
}

/** Numbers that are not finite make a failure: they could neither be ranked nor stored as JSON. */
export function toMember({ number, genome, objectives, violation, ok }: Result): Member {
  const isFeasible = violation <= 0;
  const isUsable = ok && Number.isFinite(violation) && (!isFeasible || objectives.every(Number.isFinite));
  if (!isUsable) return { number, genome, failed: true, objectives: [], violation: 0 };
  return { number, genome, failed: false, objectives: isFeasible ? [...objectives] : [], violation };
}
