// `starling parity`: every record in a folder of published cases through our code, a line per case.
import type { Command } from "commander";
import { chooseEngine, type EngineSetting } from "../../../workers/engine/select.ts";
import type { ParityResult } from "../../../workers/parity.ts";
import { CliError, exitCodes } from "../errors.ts";
import { isJson } from "../globals.ts";
import { printLine } from "../output.ts";

export function addParityCommand(program: Command): void {
  program
    .command("parity")
    .description("compare with records of the published code (folders operators, mad, training)")
    .requiredOption("--dir <folder>", "folder with the records")
    .option("--engine <name>", "what computes", "eager")
    .option("--kind <kinds...>", "only these kinds")
    .option("--json", "one JSON object per case")
    .action(async (options: { dir: string; engine: string; kind?: string[] }, command: Command) => {
      const { engine } = await chooseEngine(options.engine as EngineSetting);
      const counts = { pass: 0, fail: 0, unsupported: 0 };
      const { runParity } = await import("../../../workers/parity.ts");
      const cases = runParity(options.dir, { engine, ...(options.kind && { kinds: options.kind }) });
      try {
        for await (const result of cases) {
          counts[result.verdict]++;
          printLine(isJson(command) ? JSON.stringify(result) : lineOf(result));
        }
      } catch (error) {
        throw new CliError(error instanceof Error ? error.message : String(error));
      }
      const total = counts.pass + counts.fail + counts.unsupported;
      printLine(`${total} cases: ${counts.pass} pass, ${counts.fail} fail, ${counts.unsupported} unsupported`);
      if (counts.fail > 0) process.exitCode = exitCodes.error;
    });
}

function lineOf({ system, case: name, maxErrorY, maxErrorGradients, verdict, detail }: ParityResult): string {
  const errors = `y ${errorText(maxErrorY)}  gradients ${errorText(maxErrorGradients)}`;
  return `${verdict.padEnd(11)}  ${system.padEnd(34)} ${name.padEnd(40)} ${errors}${detail ? `  ${detail}` : ""}`;
}

const errorText = (error: number | null): string => (error === null ? "–" : error.toExponential(1)).padStart(8);
