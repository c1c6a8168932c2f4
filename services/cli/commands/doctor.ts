// `starling doctor`: what this machine has, what would be used, and what is missing.
import { availableParallelism, totalmem } from "node:os";
import type { Command } from "commander";
import { type Config, loadConfig } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { type Check, checkEngines } from "../engine-checks.ts";
import { exitCodes } from "../errors.ts";
import { isJson } from "../globals.ts";
import { bytes, printJson, printLine, table } from "../output.ts";

export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("what this machine has: engines, database, queue")
    .option("--json", "the checks as JSON")
    .action(async (_options: unknown, command: Command) => {
      const config = loadConfig();
      const { checks: engineChecks, engines, selection } = await checkEngines(config.engine, config.engineSettings);
      const checks: Check[] = [
        { what: "Node.js", isGood: true, detail: `${process.version} on ${process.platform} ${process.arch}` },
        { what: "machine", isGood: true, detail: `${availableParallelism()} cores, ${bytes(totalmem())} memory` },
        ...engineChecks,
        ...(await checkServices(config)),
      ];
      if (isJson(command)) printJson({ checks, engines, selection });
      else printLine(table(["check", "", "detail"], checks.map(rowOf)));
      const needed = checks.filter(({ what }) => !what.startsWith("engine "));
      if (needed.some(({ isGood }) => !isGood)) process.exitCode = exitCodes.failed;
    });
}

async function checkServices(config: Config): Promise<Check[]> {
  const { readyDatabase } = await import("../../platform/database.ts");
  const { openQueues } = await import("../../platform/queue.ts");
  const { openStore } = await import("../../platform/store/store.ts");
  let url: string | undefined;
  const closing: (() => Promise<unknown>)[] = [];
  const database = await check("database", async () => {
    const ready = await readyDatabase(config, silentLog);
    closing.push(() => ready.close());
    url = ready.url;
    const store = openStore({ databaseUrl: ready.url, log: silentLog });
    closing.push(() => store.close());
    await store.ping();
    const { searches } = await store.serviceCounts();
    const total = Object.values(searches).reduce((sum, number) => sum + number, 0);
    return `${ready.embedded ? `embedded Postgres in ${config.home}` : "DATABASE_URL"}, ${total} ${total === 1 ? "search" : "searches"}`;
  });
  const queue = await check("queue", async () => {
    if (url === undefined) throw new Error("needs the database");
    const queues = await openQueues({
      databaseUrl: url,
      redisUrl: config.redisUrl,
      prefix: config.queuePrefix,
      lockSeconds: config.leaseSeconds,
      log: silentLog,
    });
    closing.push(() => queues.close());
    await queues.ping();
    return `in ${queues.backend}`;
  });
  for (const close of closing.reverse()) await close().catch(() => undefined);
  return [database, queue];
}

async function check(what: string, run: () => Promise<string>): Promise<Check> {
  try {
    return { what, isGood: true, detail: await run() };
  } catch (error) {
    return { what, isGood: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

const rowOf = ({ what, isGood, detail }: Check): string[] => [what, isGood ? "ok" : "no", wrapped(detail)];

/** Lines as long as the terminal allows beside the other columns; a word that is longer stays whole. */
function wrapped(text: string, width = Math.max(60, (process.stdout.columns ?? 120) - 32)): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) as string;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}
