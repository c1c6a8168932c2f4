// `starling demo`: the main job from end to end, on whatever this machine has.
import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { SearchConfigInput } from "../../../genome/index.ts";
import type { Candidate, CandidateDetail, Evaluation, Front, Page, Search } from "../../api/schemas.ts";
import { loadConfig } from "../../platform/config.ts";
import { createLog } from "../../platform/log.ts";
import { ApiClient } from "../client.ts";
import { CliError, exitCodes } from "../errors.ts";
import { frontTable } from "../front-table.ts";
import { duration, printLine } from "../output.ts";
import { untilAskedToStop } from "../signals.ts";
import { exitCodeOf, watchSearch } from "../watch.ts";
import { bestCandidate, exportGenome } from "./search.ts";

/** Two generations of eight on top of four known designs, six tasks each. */
export const demoSearch: SearchConfigInput = {
  name: "demo",
  seed: 7,
  profile: "smoke",
  objectives: [{ name: "score" }, { name: "parameters" }, { name: "stateBytes" }],
  algorithm: { name: "nsga2", population: 8, elitism: 2, mutationRate: 0.2 },
  knownDesigns: ["transformer++", "hyena", "mamba", "striped-hyena"],
  budget: { candidates: 16 },
};

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("a whole search on this machine: start, search, show the front, export the best genome")
    .option("--keep", "leave the service up afterwards, until Ctrl-C")
    .action(async ({ keep }: { keep?: boolean }) => {
      const given = loadConfig({
        LOG_LEVEL: "warn",
        PORT: "0",
        STARLING_WORKERS: process.env.STARLING_WORKERS ?? "2",
        ...process.env,
      });
      const asked = untilAskedToStop();
      const stopping = new AbortController();
      const signal = asked.then((name) => stopping.abort(name));
      printLine("Starting Postgres, the API and a worker ...");
      const { startService } = await import("../service.ts");
      const service = await startService(given, createLog(given, "starling"));
      try {
        process.exitCode = await runDemo(new ApiClient(service), given.home, stopping.signal);
        printLine(`\nDashboard: ${service.url}`);
        if (keep && !stopping.signal.aborted) {
          printLine(`API key:   ${service.apiKey}\nThe service stays up; Ctrl-C stops it.`);
          await signal;
          process.exitCode = exitCodes.done;
        } else {
          printLine("It is down again now: `npm run demo -- --keep` or `npm start` leaves it up.");
        }
      } finally {
        await service.stop();
      }
    });
}

async function runDemo(client: ApiClient, home: string, signal: AbortSignal): Promise<number> {
  const from = performance.now();
  const { id } = await client.post<Search>("/searches", demoSearch, { "idempotency-key": randomUUID() });
  printLine(`Search ${id}: 4 known designs and ${demoSearch.budget?.candidates} candidates, six MAD tasks each.`);
  printLine(`Watch it at ${client.url}/#/searches/${id}\n`);
  const search = await watchSearch(client, id, { signal });
  if (signal.aborted) return exitCodes.interrupted;
  if (search.state !== "completed")
    throw new CliError(`The search ${search.state}: ${search.reason}`, exitCodeOf(search));

  const front = await client.get<Front>(`/searches/${id}/front`);
  const seconds = (performance.now() - from) / 1000;
  const { trained, reused } = await countEvaluations(client, id);
  printLine(
    `\n${trained} evaluations trained${reused ? `, ${reused} known from before` : ""}, in ${duration(seconds)}.`,
  );
  printLine("Pareto front (higher score, fewer parameters, smaller state at 4,096 tokens), known designs beside it:");
  printLine(frontTable(front));

  const best = await bestCandidate(client, id);
  const folder = join(home, "exports");
  const file = join(folder, `${id}-${best.number}.json`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${JSON.stringify(await exportGenome(client, id, best.number), null, 2)}\n`);
  printLine(`\nBest genome: candidate #${best.number}, ${best.genome}\nExported to ${file}`);
  return exitCodes.done;
}

/** Equal evaluations are never paid for twice; a second demo finds everything known. */
async function countEvaluations(client: ApiClient, id: string): Promise<{ trained: number; reused: number }> {
  const { items } = await client.get<Page<Candidate>>(`/searches/${id}/candidates?limit=100`);
  const details = await Promise.all(
    items.map(({ number }) => client.get<CandidateDetail>(`/searches/${id}/candidates/${number}`)),
  );
  const evaluations: Evaluation[] = details.flatMap((detail) => detail.evaluations);
  const reused = evaluations.filter(({ reusedFrom }) => reusedFrom !== null).length;
  return { trained: evaluations.length - reused, reused };
}
