// `starling genome`: what a genome means, what it costs and what lies next to it. Needs no service.
import type { Command } from "commander";
import {
  canonicalGenome,
  fitGenome,
  formatGenome,
  formatSegment,
  type Genome,
  GenomeError,
  genomeCosts,
  genomeFromJson,
  genomeHash,
  type KnownDesignName,
  knownDesigns,
  type ModelShape,
  neighboursOf,
  operatorEncodings,
  operatorGenome,
  operatorNames,
  operatorOfSegment,
  parseGenome,
  type Sharing,
  segmentCosts,
  sharingOf,
} from "../../../genome/index.ts";
import { CliError } from "../errors.ts";
import { isJson } from "../globals.ts";
import { bytes, count, printJson, printLine, table } from "../output.ts";

interface ShapeOptions {
  readonly width: string;
  readonly length: string;
  readonly context: string;
}

type Action = (genome: Genome, sizes: Sizes, json: boolean) => void;

interface Sizes {
  readonly shape: ModelShape;
  readonly context: number;
}

export function addGenomeCommand(program: Command): void {
  const genome = program.command("genome").description("what a genome means and what it costs, without any training");
  const actions: readonly (readonly [string, string, Action])[] = [
    ["show", "the levels of the encoding, position by position", show],
    ["parse", "check a genome and write it in its canonical form", parse],
    ["cost", "parameters, state and FLOPs, position by position", cost],
    ["neighbours", "every genome one gene away, with the difference in costs", neighbours],
    ["draw", "the layers from input to output, with what they share", draw],
  ];
  for (const [name, description, action] of actions) {
    genome
      .command(`${name} <genome>`)
      .description(`${description}; the genome as text, as JSON or by the name of a known design`)
      .option("--width <channels>", "model width", "128")
      .option("--length <tokens>", "longest sequence", "128")
      .option("--context <tokens>", "tokens after which the state is quoted", "4096")
      .option("--json", "the result as JSON")
      .action((text: string, options: ShapeOptions, command: Command) => {
        const shape = { width: wholeNumber("--width", options.width), length: wholeNumber("--length", options.length) };
        const sizes = { shape, context: wholeNumber("--context", options.context) };
        action(read(text, shape), sizes, isJson(command));
      });
  }
}

function show(genome: Genome, _: Sizes, json: boolean): void {
  const sharing = sharingOf(genome);
  const positions = genome.segments.map((segment, index) => ({
    backbone: formatSegment(segment),
    operator: operatorOfSegment(segment, index),
    operatorGenome: operatorGenome(segment.liv),
    encoding: operatorEncodings[segment.liv] ?? null,
    sharing: sharing[index] ?? null,
  }));
  if (json) {
    printJson({ genome: formatGenome(genome), hash: genomeHash(genome), positions });
    return;
  }
  const rows = positions.map(({ backbone, operator, operatorGenome, encoding, sharing }, index) => [
    ...[`${index + 1}`, backbone, operator, operatorGenome ?? "–", encoding?.groups.join(" ") ?? "–"],
    sharingText(sharing, index),
  ]);
  printLine(table(["position", "segment", "operator", "operator genome", "feature groups", "sharing"], rows));
}

function parse(genome: Genome, _: Sizes, json: boolean): void {
  if (json) printJson({ genome: formatGenome(genome), hash: genomeHash(genome), segments: genome.segments });
  else printLine(formatGenome(genome));
}

function cost(genome: Genome, { shape, context }: Sizes, json: boolean): void {
  const total = genomeCosts(genome, shape, context);
  const positions = segmentCosts(genome, shape, context);
  if (json) {
    printJson({ genome: formatGenome(genome), ...shape, context, total, positions });
    return;
  }
  const row = (name: string, { parameters, stateBytes, flopsPerToken }: typeof total) => [
    ...[name, count(parameters), bytes(stateBytes), count(flopsPerToken)],
  ];
  const rows = positions.map((position, index) => row(`${index + 1} ${position.operator}`, position));
  printLine(table(["position", "parameters", "state", "FLOPs per token"], [...rows, row("total", total)]));
}

function neighbours(genome: Genome, { shape, context }: Sizes, json: boolean): void {
  const depth = genome.segments.length;
  const before = genomeCosts(genome, shape, context);
  const grammar = { depth, operators: operatorNames, layout: "free", shape, sharing: true } as const;
  const found = neighboursOf(genome, grammar).map(({ genome, changes }) => {
    const costs = genomeCosts(genome, shape, context);
    const difference = {
      parameters: costs.parameters - before.parameters,
      stateBytes: costs.stateBytes - before.stateBytes,
      flopsPerToken: costs.flopsPerToken - before.flopsPerToken,
    };
    return { genome: formatGenome(genome), changes, difference };
  });
  if (json) {
    printJson({ genome: formatGenome(genome), costs: before, neighbours: found });
    return;
  }
  const signed = (value: number) => `${value > 0 ? "+" : ""}${count(value)}`;
  const rows = found.map(({ genome, difference }) => [
    ...[genome, signed(difference.parameters), signed(difference.stateBytes), signed(difference.flopsPerToken)],
  ]);
  printLine(table(["genome", "parameters", "state bytes", "FLOPs per token"], rows));
}

function draw(genome: Genome, _: Sizes, json: boolean): void {
  const sharing = sharingOf(genome);
  const layers = genome.segments.map((segment, index) => ({
    operator: operatorOfSegment(segment, index),
    sharing: sharing[index] ?? null,
  }));
  if (json) {
    printJson({ genome: formatGenome(genome), layers });
    return;
  }
  printLine("input");
  layers.forEach(({ operator, sharing }, index) => {
    const note = sharing === null ? "" : `  <- ${sharingText(sharing, index)}`;
    printLine(`  |\n[${index + 1}] ${operator}${note}`);
  });
  printLine("  |\noutput");
}

function sharingText(sharing: Sharing | null, index: number): string {
  if (sharing === null) return "–";
  const what = sharing.kind === "featurizer" ? "weights" : "features";
  return sharing.donor === index ? `gives ${what}` : `${what} of ${sharing.donor + 1}`;
}

function read(text: string, shape: ModelShape): Genome {
  try {
    const design = Object.hasOwn(knownDesigns, text) ? knownDesigns[text as KnownDesignName] : undefined;
    if (design !== undefined) return fitGenome(parseGenome(design.genome), shape);
    return canonicalGenome(text.trimStart().startsWith("{") ? readJson(text, shape) : parseGenome(text, shape));
  } catch (error) {
    if (!(error instanceof GenomeError)) throw error;
    throw new CliError(`${error.message}\nKnown designs: ${Object.keys(knownDesigns).join(", ")}`);
  }
}

function readJson(text: string, shape: ModelShape): Genome {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError(`The genome is not JSON: ${(error as Error).message}`);
  }
  return genomeFromJson(value, shape);
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new CliError(`${option} ${text}: expected a whole number of at least 1`);
}
