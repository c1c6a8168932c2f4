// Ids a person can read in a log: a candidate's id begins with its search's, an evaluation's with its candidate's.
import { randomBytes } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32

/** Random, 5 bits a character. */
export function newId(length: number): string {
  return Array.from(randomBytes(length), (byte) => alphabet[byte % 32]).join("");
}

export function candidateId(searchId: string, number: number): string {
  return `${searchId}-${number}`;
}

export function evaluationId(candidate: string, position: number): string {
  return `${candidate}-${position}`;
}
