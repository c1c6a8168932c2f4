// The `starling` command: one program, one subcommand per file in `commands`.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addDemoCommand } from "./commands/demo.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addParityCommand } from "./commands/parity.ts";
import { addScoreCommand } from "./commands/score.ts";
import { addSearchCommand } from "./commands/search.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addWorkerCommand } from "./commands/worker.ts";
import { CliError, exitCodes } from "./errors.ts";

const { version } = JSON.parse(
  readFileSync(
    new URL(import.meta.url.endsWith(".ts") ? "../../package.json" : "../../../package.json", import.meta.url),
    "utf8",
  ),
) as { version: string };

const program = new Command("starling")
  .description("Searches for hybrid sequence-model architectures.")
  .version(version)
  .option("--json", "answers as JSON on standard output")
  .option("--url <url>", "address of the service (STARLING_URL)")
  .option("--api-key-file <file>", "file with the API key (STARLING_API_KEY_FILE, STARLING_API_KEY)")
  .showHelpAfterError();

for (const add of [
  addServeCommand,
  addWorkerCommand,
  addDemoCommand,
  addSearchCommand,
  addScoreCommand,
  addParityCommand,
  addDoctorCommand,
]) {
  add(program);
}

try {
  await program.parseAsync();
} catch (error) {
  const known = error instanceof CliError || (error instanceof Error && "code" in error && "status" in error);
  process.stderr.write(`${known ? (error as Error).message : describe(error)}\n`);
  process.exitCode = error instanceof CliError ? error.exitCode : exitCodes.error;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
