import { type KnownDesignName, knownDesigns } from "../genome/index.ts";
import type { Candidate } from "./api.ts";

type Named = Pick<Candidate, "knownDesign" | "number">;

/** A known design has a name of its own, every other candidate its number. */
export function candidateName(candidate: Named): string {
  return designTitle(candidate) ?? `Candidate ${candidate.number}`;
}

/** Null for what evolution made. */
export function designTitle({ knownDesign }: Pick<Named, "knownDesign">): string | null {
  if (knownDesign === null) return null;
  return Object.hasOwn(knownDesigns, knownDesign) ? knownDesigns[knownDesign as KnownDesignName].title : knownDesign;
}
