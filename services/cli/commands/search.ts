// `starling search`: submit a search, look at it, steer it, take the best genome away.
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import type { Candidate, Comparison, ExportedGenome, Front, Page, Search, SearchSummary } from "../../api/schemas.ts";
import type { ApiClient } from "../client.ts";
import { comparisonText } from "../comparison-table.ts";
import { applySettings } from "../config-settings.ts";
import { CliError, exitCodes } from "../errors.ts";
import { frontTable } from "../front-table.ts";
import { clientOf, isJson } from "../globals.ts";
import { count, duration, objectiveText, printJson, printLine, table } from "../output.ts";
import { budgetText, progressOf } from "../progress.ts";
import { describeReplay, loadCandidates } from "../replay.ts";
import { exitCodeOf, watchSearch } from "../watch.ts";

const verbs = {
  pause: "hand out no new work; what runs goes on",
  resume: "hand out work again",
  stop: "finish what runs, then end",
  cancel: "end now and kill what runs",
} as const;

export function addSearchCommand(program: Command): void {
  const search = program.command("search").description("submit, watch and steer searches");

  search
    .command("create")
    .description("submit a search; every setting has a default")
    .option("-f, --file <file>", "SearchConfig as JSON (- for standard input)")
    .option("--name <name>", "name of the search")
    .option("--watch", "follow it until it ends")
    .action(async (options: { file?: string; name?: string; watch?: boolean }, command: Command) => {
      const client = clientOf(command);
      const config = options.file ? readConfig(options.file) : {};
      const body = options.name ? { ...config, name: options.name } : config;
      const created = await client.post<Search>("/searches", body, { "idempotency-key": randomUUID() });
      if (options.watch) return follow(client, created.id, command);
      if (isJson(command)) printJson(created);
      else printLine(created.id);
    });

  search
    .command("clone <id>")
    .description("submit a search with another one's settings, some of them changed")
    .option(
      "--set <key=value...>",
      "a setting by its path, as in budget.candidates=100; the value is JSON or plain text",
    )
    .option("--watch", "follow it until it ends")
    .action(async (id: string, options: { set?: string[]; watch?: boolean }, command: Command) => {
      const client = clientOf(command);
      const { config } = await client.get<Search>(path(id));
      const body = applySettings(config, options.set ?? []);
      const created = await client.post<Search>("/searches", body, { "idempotency-key": randomUUID() });
      if (options.watch) return follow(client, created.id, command);
      if (isJson(command)) printJson(created);
      else printLine(created.id);
    });

  search
    .command("list")
    .description("searches, newest first")
    .option("--state <state>", "only searches in this state")
    .option("--limit <count>", "at most this many", "20")
    .action(async (options: { state?: string; limit: string }, command: Command) => {
      const query = new URLSearchParams({ limit: options.limit, ...(options.state && { state: options.state }) });
      const page = await clientOf(command).get<Page<SearchSummary>>(`/searches?${query}`);
      if (isJson(command)) return printJson(page);
      if (page.items.length === 0) return printLine("No searches yet. Submit one with `starling search create`.");
      printLine(table(["id", "name", "state", "candidates", "best score", "created"], page.items.map(summaryRow)));
    });

  search
    .command("get <id>")
    .description("one search with its front")
    .action(async (id: string, _options: unknown, command: Command) => {
      const client = clientOf(command);
      const found = await client.get<Search>(path(id));
      const front = await client.get<Front>(`${path(id)}/front`);
      if (isJson(command)) return printJson({ ...found, front });
      printLine(describeSearch(found));
      printLine(frontTable(front));
    });

  search
    .command("watch <id>")
    .description("follow a search; Ctrl-C stops watching and leaves the search running")
    .action((id: string, _options: unknown, command: Command) => follow(clientOf(command), id, command));

  for (const [verb, meaning] of Object.entries(verbs)) {
    search
      .command(`${verb} <id>`)
      .description(meaning)
      .action(async (id: string, _options: unknown, command: Command) => {
        const changed = await clientOf(command).post<Search>(`${path(id)}/${verb}`);
        if (isJson(command)) printJson(changed);
        else printLine(`${changed.id} is ${changed.state}.`);
      });
  }

  search
    .command("update <id>")
    .description("change the budget and the concurrency of a search that has not ended")
    .requiredOption("--set <key=value...>", "as in budget.candidates=100 concurrency=4; null takes a limit away")
    .action(async (id: string, options: { set: string[] }, command: Command) => {
      const changed = await clientOf(command).patch<Search>(path(id), applySettings({}, options.set));
      if (isJson(command)) return printJson(changed);
      const { concurrency } = changed.config;
      printLine(`${changed.id}: ${budgetText(changed)}${concurrency === null ? "" : `, ${concurrency} at once`}.`);
    });

  search
    .command("compare <ids...>")
    .description("fronts of two to eight searches: hypervolume at one reference point, and who dominates whom")
    .action(async (ids: string[], _options: unknown, command: Command) => {
      const query = new URLSearchParams({ ids: ids.join(",") });
      const compared = await clientOf(command).get<Comparison>(`/searches/compare?${query}`);
      if (isJson(command)) printJson(compared);
      else printLine(comparisonText(compared));
    });

  search
    .command("delete <id>")
    .description("remove a search; one that runs is cancelled first")
    .action(async (id: string, _options: unknown, command: Command) => {
      await clientOf(command).delete(path(id));
      if (isJson(command)) printJson({ id, deleted: true });
      else printLine(`${id} is deleted.`);
    });

  search
    .command("replay <id>")
    .description("take the search's decisions again from its stored results; exit code 1 where one differs")
    .action(async (id: string, _options: unknown, command: Command) => {
      const client = clientOf(command);
      const stored = await client.get<Search>(path(id));
      if (!stored.config.deterministic) {
        throw new CliError(`Search ${id} is not deterministic: the order of its results cannot be replayed.`);
      }
      const candidates = await loadCandidates(client, id);
      const { replaySearch } = await import("../../../workers/advance/replay.ts");
      const replayed = replaySearch(stored, candidates);
      process.exitCode = replayed.difference === null ? exitCodes.done : exitCodes.error;
      if (isJson(command)) printJson({ id, ...replayed });
      else printLine(describeReplay(id, replayed));
    });

  search
    .command("export <id>")
    .description("the best genome, or a given candidate, as JSON")
    .option("-c, --candidate <number>", "candidate number (default: the best score on the front)")
    .option("-o, --output <file>", "write to a file instead of standard output")
    .action(async (id: string, options: { candidate?: string; output?: string }, command: Command) => {
      const client = clientOf(command);
      const number = options.candidate ?? String((await bestCandidate(client, id)).number);
      const exported = await exportGenome(client, id, number);
      if (!options.output) return printJson(exported);
      writeJson(options.output, exported);
      if (isJson(command)) printJson({ file: options.output, candidate: Number(number) });
      else printLine(`Candidate ${number} written to ${options.output}.`);
    });
}

/** The proposal with the highest score on the front; a known design only where nothing else is there. */
export async function bestCandidate(client: ApiClient, id: string): Promise<Candidate> {
  const { front } = await client.get<Front>(`${path(id)}/front`);
  const proposals = front.filter((candidate) => candidate.knownDesign === null);
  const ranked = (proposals.length > 0 ? proposals : front).sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
  if (!ranked[0]) throw new CliError(`Search ${id} has no finished candidate to export yet.`);
  return ranked[0];
}

export const exportGenome = (client: ApiClient, id: string, number: string | number): Promise<ExportedGenome> =>
  client.get(`${path(id)}/candidates/${encodeURIComponent(String(number))}/export`);

async function follow(client: ApiClient, id: string, command: Command): Promise<void> {
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.once("SIGINT", interrupt);
  try {
    const search = await watchSearch(client, id, { json: isJson(command), signal: controller.signal });
    process.exitCode = controller.signal.aborted ? exitCodes.interrupted : exitCodeOf(search);
    if (isJson(command)) return;
    if (controller.signal.aborted) return printLine(`\nStopped watching; search ${id} goes on.`);
    printLine(`Search ${id} ${search.state}${search.reason ? `: ${search.reason}` : "."}`);
    if (search.state === "completed") printLine(frontTable(await client.get<Front>(`${path(id)}/front`)));
  } finally {
    process.off("SIGINT", interrupt);
  }
}

function summaryRow(search: SearchSummary): string[] {
  const { done, total } = progressOf(search);
  return [
    search.id,
    search.name,
    search.state,
    `${count(done)} of ${count(total)}`,
    objectiveText("score", search.best.score),
    search.createdAt.slice(0, 16).replace("T", " "),
  ];
}

function describeSearch(search: Search): string {
  const failures = Object.entries(search.failuresByReason).map(([reason, number]) => `${reason} ${number}`);
  return [
    `${search.name} (${search.id}): ${search.state}${search.reason ? `, ${search.reason}` : ""}`,
    `profile ${search.profile}, ${search.algorithm}, seed ${search.config.seed}, generation ${search.generation}`,
    `budget: ${budgetText(search)}`,
    `elapsed ${duration(search.elapsedSeconds)}, ETA ${duration(search.etaSeconds)}, ${count(search.candidatesPerHour)} candidates per hour`,
    ...(search.reused > 0 ? [`${count(search.reused)} evaluations taken over from equal ones`] : []),
    ...(failures.length > 0 ? [`failed evaluations: ${failures.join(", ")}`] : []),
    `hypervolume ${search.hypervolume?.toPrecision(5) ?? "–"}`,
  ].join("\n");
}

function readConfig(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8")) as Record<string, unknown>;
  } catch (error) {
    throw new CliError(`Cannot read a SearchConfig from ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

function writeJson(file: string, value: unknown): void {
  try {
    writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
  } catch (error) {
    throw new CliError(`Cannot write ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

const path = (id: string): string => `/searches/${encodeURIComponent(id)}`;
