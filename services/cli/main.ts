// The `starling` command: one program, one subcommand per file in `commands`. What is heavy (tensors, the database, the
// API) is imported by the actions that need it, so that `starling search list` answers at once.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { EngineError } from "../../workers/engine/errors.ts";
import { AppError } from "../platform/errors.ts";
import { addDemoCommand } from "./commands/demo.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addGenomeCommand } from "./commands/genome.ts";
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
  addGenomeCommand,
  addParityCommand,
  addDoctorCommand,
]) {
  add(program);
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exitCode = error instanceof CliError ? error.exitCode : exitCodes.error;
}

/** Errors that were foreseen say all in their message; a stack is for what nobody foresaw. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isForeseen = error instanceof CliError || error instanceof AppError || error instanceof EngineError;
  return isForeseen ? error.message : (error.stack ?? error.message);
}
