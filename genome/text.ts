// The text form of a genome, e.g. `11111-91111-[18]1111{heads=8,window=64}-91111`.
//
// STAR's five integers per segment; integers from 10 in square brackets; options in braces, sorted by name, defaults
// left out; segments joined by "-".
import { GenomeError } from "./errors.ts";
import { operatorOfClass, paletteEntry } from "./palette/index.ts";
import type { Genome, ModelShape, Options, OptionValue, Segment } from "./types.ts";
import { maxSegments, validateGenome } from "./validate.ts";

export const maxTextLength = 20_000;

/** Reads and validates the text form; with a shape, the genome must also fit it. Throws GenomeError. */
export function parseGenome(text: string, shape?: ModelShape): Genome {
  if (text.length > maxTextLength) {
    throw new GenomeError(`a genome has at most ${maxTextLength} characters, this one has ${text.length}`);
  }
  const reader = new Reader(text.trim());
  const segments: Segment[] = [];
  do {
    if (segments.length === maxSegments) throw reader.error(`a genome has at most ${maxSegments} segments`);
    segments.push(readSegment(reader, segments.length));
  } while (reader.take("-"));
  if (!reader.atEnd) throw reader.error(`segment ${segments.length}: expected "-", "{" or the end`);
  const genome: Genome = { segments };
  validateGenome(genome, shape);
  return genome;
}

/** The text form; options at their default are left out. */
export function formatGenome(genome: Genome): string {
  return genome.segments.map(formatSegment).join("-");
}

export function formatSegment(segment: Segment): string {
  const { liv, featurizerGroup, featurizerStrategy, featureGroup, featureStrategy } = segment;
  const integers = [liv, featurizerGroup, featurizerStrategy, featureGroup, featureStrategy];
  const digits = integers.map((value) => (value >= 0 && value <= 9 ? `${value}` : `[${value}]`)).join("");
  const operator = operatorOfClass(liv);
  const defaults: Options = operator === null ? {} : paletteEntry(operator).defaults;
  const options = Object.entries(segment.options ?? {})
    .filter(([name, value]) => defaults[name] !== value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  return options.length === 0 ? digits : `${digits}{${options.join(",")}}`;
}

/** Walks a text from left to right, by patterns anchored at the present place. */
class Reader {
  readonly #text: string;
  #place = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#place === this.#text.length;
  }

  take(literal: string): boolean {
    if (!this.#text.startsWith(literal, this.#place)) return false;
    this.#place += literal.length;
    return true;
  }

  /** The match of a sticky pattern, or null. */
  match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#place;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#place += found[0].length;
    return found[0];
  }

  error(message: string): GenomeError {
    const found = this.atEnd ? "the end" : `"${this.#text.slice(this.#place, this.#place + 10)}"`;
    return new GenomeError(`${message}; at character ${this.#place + 1} found ${found}`);
  }
}

function readSegment(reader: Reader, index: number): Segment {
  const integer = () => readInteger(reader, index);
  const segment = {
    liv: integer(),
    featurizerGroup: integer(),
    featurizerStrategy: integer(),
    featureGroup: integer(),
    featureStrategy: integer(),
  };
  if (!reader.take("{")) return segment;
  const options = readOptions(reader, index);
  return Object.keys(options).length === 0 ? segment : { ...segment, options };
}

function readInteger(reader: Reader, index: number): number {
  const digit = reader.match(/[0-9]/y);
  if (digit !== null) return Number(digit);
  const bracketed = reader.match(/\[[0-9]{1,6}\]/y);
  if (bracketed !== null) return Number(bracketed.slice(1, -1));
  throw reader.error(`segment ${index + 1}: expected five integers, each a digit or up to six digits in "[ ]"`);
}

function readOptions(reader: Reader, index: number): Options {
  const options = new Map<string, OptionValue>();
  if (reader.take("}")) return {};
  do {
    const name = reader.match(/[A-Za-z][A-Za-z0-9]*/y);
    if (name === null || !reader.take("="))
      throw reader.error(`segment ${index + 1}: expected an option as name=value`);
    if (options.has(name)) throw reader.error(`segment ${index + 1}: option ${name} is given twice`);
    const value = reader.match(/[A-Za-z0-9.+-]+/y);
    if (value === null) throw reader.error(`segment ${index + 1}: expected a value of option ${name}`);
    options.set(name, readValue(value));
  } while (reader.take(","));
  if (!reader.take("}")) throw reader.error(`segment ${index + 1}: expected "," or "}" in the options`);
  return Object.fromEntries(options);
}

function readValue(text: string): OptionValue {
  if (text === "true") return true;
  if (text === "false") return false;
  return /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : text;
}
