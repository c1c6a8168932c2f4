// The dashboard in a real Chromium before the real service: embedded database, workers that train, events as they come.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { genomeCosts, knownDesigns, operatorOfSegment, paletteEntry, parseGenome } from "../../genome/index.ts";
import { chromiumPath, describeWith } from "../require.ts";
import { until } from "./until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const artifacts = join(root, "tests/artifacts");
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

describeWith("chromium", "the dashboard before the real service", () => {
  let home: string;
  let service: ChildProcess;
  let output = "";
  let url: string;
  let apiKey: string;
  let browser: Browser;
  let page: Page;
  let searchId: string;
  /** Errors on the console, exceptions, refusals of the content security policy, dialogs. */
  const complaints: string[] = [];
  /** Requests to anywhere but the service. */
  const strangers: string[] = [];
  let documents = 0;
  let eventStreams = 0;

  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    await build({ configFile: join(root, "vite.config.ts"), root: join(root, "dashboards"), logLevel: "error" });
    home = mkdtempSync(join(tmpdir(), "starling-dashboard-"));
    service = spawn(process.execPath, ["services/cli/starling.mjs", "serve"], {
      cwd: root,
      env: { ...process.env, STARLING_HOME: home, PORT: "0", STARLING_WORKERS: "2", DATABASE_URL: "", REDIS_URL: "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [service.stdout, service.stderr]) {
      stream?.on("data", (data) => {
        output += data;
      });
    }
    await until(() => output.includes("Ctrl-C stops it.") || service.exitCode !== null, 60_000);
    if (service.exitCode !== null) throw new Error(`the service did not start:\n${output}`);
    ({ url, apiKey } = JSON.parse(readFileSync(join(home, "client.json"), "utf8")));

    browser = await chromium.launch({ executablePath: chromiumPath() ?? "", headless: true, args: flags });
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    listen(page);
  });

  afterAll(async () => {
    await browser?.close();
    if (service && service.exitCode === null) {
      const ended = new Promise((resolve) => service.once("exit", resolve));
      service.kill("SIGINT");
      await ended;
    }
    // For root the database lies elsewhere, behind a link.
    const database = join(home, "postgres");
    if (existsSync(database)) rmSync(realpathSync(database), { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  });

  afterEach(() => {
    expect(complaints).toEqual([]);
    expect(strangers).toEqual([]);
  });

  function listen(page: Page): void {
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => complaints.push(dialog.message()));
    page.on("console", (message) => {
      // Asking whether somebody is signed in is answered 401 until somebody is; the browser logs that by itself.
      const asking = message.location().url === `${url}/api/v1/session` && message.text().includes("401");
      if (!asking && ["error", "warning"].includes(message.type())) complaints.push(message.text());
      if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== url) strangers.push(request.url());
      if (request.isNavigationRequest()) documents += 1;
    });
    page.on("response", (response) => {
      if (response.headers()["content-type"]?.startsWith("text/event-stream")) eventStreams += 1;
    });
  }

  const picture = (name: string) => page.screenshot({ path: join(artifacts, `service-${name}.png`), fullPage: true });
  const card = (title: string) => page.locator("section", { has: page.getByRole("heading", { name: title }) });
  const state = (name: string) => page.locator(`.heading .state[data-state=${name}]`);

  async function ask<Body>(path: string): Promise<Body> {
    const answer = await fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
    expect(answer.status).toBe(200);
    return answer.json() as Promise<Body>;
  }

  /** Asks by the button, and again in the dialog that says what it means. */
  async function act(verb: string): Promise<void> {
    await page.getByRole("button", { name: verb }).click();
    await page.getByRole("dialog").getByRole("button", { name: verb }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }

  test("the key that the service printed signs in", async () => {
    expect(output).toContain(apiKey);
    await page.goto(url);
    await page.getByLabel("API key").fill(apiKey);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "No search yet" }).waitFor();
  });

  test("a search made with the form can be watched, paused and resumed without a reload", async () => {
    await page.getByRole("link", { name: "Start the first search" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Seen from outside");
    await page.getByLabel("Candidates").fill("4");
    await page.getByLabel("Population").fill("4");
    const tasks = page.getByRole("group", { name: "Tasks" });
    for (const name of ["In-context recall", "Fuzzy recall", "Noisy recall", "Selective copying"]) {
      await tasks.getByLabel(name, { exact: true }).uncheck();
    }
    const designs = page.getByRole("group", { name: "Known designs" });
    for (const { title } of Object.values(knownDesigns)) {
      if (title !== "Transformer++" && title !== "Mamba") await designs.getByLabel(title, { exact: true }).uncheck();
    }
    await page.getByText("4 candidates and 2 known designs on 2 tasks: 12 evaluations.").waitFor();
    const documentsBefore = documents;
    await page.getByRole("button", { name: "Start search" }).click();
    await page.getByRole("heading", { name: "Seen from outside" }).waitFor();
    searchId = page.url().split("/").at(-1) ?? "";
    await page.locator(".connection[data-connection=live]").waitFor();

    // Every number of candidates that was shown from here on.
    const shown = new Set<string>();
    const look = async () => {
      shown.add((await page.locator(".summary-progress strong").textContent()) ?? "");
      return shown;
    };
    await expect.poll(async () => [...(await look())].join(), { timeout: 60_000 }).toMatch(/[1-3] of 4/);
    await act("Pause");
    await state("paused").waitFor();
    await act("Resume");
    await state("paused").waitFor({ state: "detached" });
    await expect.poll(async () => [...(await look())], { timeout: 90_000, interval: 100 }).toContain("4 of 4");
    await state("completed").waitFor();

    // The page asks by itself only every 30 seconds: without events it would show the start and the end.
    expect(shown.size).toBeGreaterThanOrEqual(3);
    expect(eventStreams).toBeGreaterThanOrEqual(1);
    expect(documents).toBe(documentsBefore);
    await page.getByText("12 complete, 0 running, 0 waiting.").waitFor();
    await page.getByText("None has failed.").waitFor();
  }, 180_000);

  test("front and hypervolume are drawn from what was measured", async () => {
    const front = await ask<{ front: { number: number; score: number }[] }>(`searches/${searchId}/front`);
    const chart = card("Pareto front");
    for (const { number } of front.front) {
      const point = chart.locator(`a[*|href='#/searches/${searchId}/candidates/${number}']`);
      await expect.poll(() => point.count()).toBe(1);
    }
    for (const name of ["Transformer++", "Mamba"]) {
      await chart.locator("svg text", { hasText: name }).first().waitFor();
    }
    const volume = card("Hypervolume");
    expect(await volume.locator("svg [aria-label=line] path").getAttribute("d")).toMatch(/^M[\d.]+,[\d.]+L/);
    const { hypervolume } = await ask<{ hypervolume: number }>(`searches/${searchId}`);
    const figure = page.locator(".figure", { hasText: "Hypervolume" }).locator("dd");
    expect(Number(await figure.textContent())).toBeCloseTo(hypervolume, 3);
    await picture("search");
  });

  test("a point opens its candidate, with scores, drawing, curves, costs at any length, and the export", async () => {
    const point = card("Pareto front").locator("a").last();
    const number = Number((await point.getAttribute("href"))?.split("/").at(-1));
    await point.click();
    await expect.poll(() => page.url()).toMatch(new RegExp(`/candidates/${number}$`));
    const { genome, shape, taskScores } = await ask<{
      genome: string;
      shape: { width: number; length: number };
      taskScores: Record<string, number>;
    }>(`searches/${searchId}/candidates/${number}`);

    const scores = card("Task scores");
    for (const score of [taskScores.memorization, taskScores.compression]) {
      await scores.locator("svg text", { hasText: score?.toFixed(3) ?? "missing" }).waitFor();
    }
    const titles = parseGenome(genome).segments.map((segment, i) => paletteEntry(operatorOfSegment(segment, i)).title);
    const drawing = page.locator("svg.drawing");
    expect(await drawing.getAttribute("aria-label")).toBe(`From input to output: ${titles.join(", ")}`);
    await expect.poll(() => page.locator(".curves figure svg").count()).toBe(2);
    await picture("candidate");
    await page.getByLabel("Accuracy").check();
    await page.locator(".curves figure svg text", { hasText: "Accuracy" }).first().waitFor();

    const total = page.locator("tfoot [data-cost=stateBytes]");
    for (const power of [5, 17]) {
      await page.getByLabel("Context length").fill(String(power));
      const { stateBytes } = genomeCosts(parseGenome(genome, shape), shape, 2 ** power);
      await expect.poll(() => total.getAttribute("title")).toBe(`${stateBytes.toLocaleString("en")} bytes`);
    }

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export genome" }).click(),
    ]);
    const file = JSON.parse(readFileSync(await download.path(), "utf8"));
    expect(file).toMatchObject({ format: "starling-genome", genome, taskScores, provenance: { candidate: number } });
  });

  test("a search is cancelled from its page, and the workers' page shows who was busy", async () => {
    await page.goto(`${url}/#/searches/new?from=${searchId}`);
    await page.getByLabel("Candidates").fill("400");
    await page.getByRole("button", { name: "Start search" }).click();
    await page.getByRole("heading", { name: "Seen from outside again" }).waitFor();
    const ownAddress = page.url();
    await page.getByRole("link", { name: "Workers", exact: true }).click();
    const row = page.locator("tbody tr");
    await row.locator(".state", { hasText: "Online" }).waitFor();
    await page.getByText(/1 worker online, [12] of 2 places busy\./).waitFor();
    await picture("workers");

    await page.goto(ownAddress);
    await act("Cancel search");
    await state("cancelled").waitFor();
    await page.getByRole("button", { name: "Delete" }).waitFor();
    await page.getByRole("link", { name: "Workers", exact: true }).click();
    await page.getByText("1 worker online, 0 of 2 places busy.").waitFor();
    await page.getByRole("link", { name: "Searches", exact: true }).click();
    await expect.poll(() => page.locator(".search-row").count()).toBe(2);
    await picture("searches");
  });
});
