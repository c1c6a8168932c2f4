// The built dashboard in a real Chromium, talking to the fixture service under a sub-path.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { genomeCosts, parseGenome } from "../../genome/index.ts";
import { chromiumPath, describeWith } from "../require.ts";
import { attack, shape } from "./fixture-data.ts";
import { apiKey, FixtureServer } from "./fixture-server.ts";

const artifacts = fileURLToPath(new URL("../artifacts/", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

describeWith("chromium", "the dashboard in a browser", () => {
  let dist: string;
  let browser: Browser;
  let server: FixtureServer;
  let context: BrowserContext;
  let page: Page;
  let url: string;
  /** What the page complained about: exceptions, and everything a content security policy refused. */
  let complaints: string[];

  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    dist = mkdtempSync(join(tmpdir(), "starling-dashboard-"));
    await build({
      configFile: join(root, "vite.config.ts"),
      root: join(root, "dashboards"),
      logLevel: "error",
      build: { outDir: dist, emptyOutDir: true },
    });
    browser = await chromium.launch({ executablePath: chromiumPath() ?? "", headless: true, args: flags });
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(dist, { recursive: true, force: true });
  });

  beforeEach(async () => {
    server = new FixtureServer(dist);
    url = await server.listen();
    await openPage({});
  });

  afterEach(async () => {
    await context.close();
    await server.close();
    expect(complaints).toEqual([]);
  });

  async function openPage(options: { colorScheme?: "light" | "dark"; width?: number; height?: number }): Promise<void> {
    const { colorScheme = "light", width = 1440, height = 900 } = options;
    await context?.close();
    context = await browser.newContext({ colorScheme, viewport: { width, height }, acceptDownloads: true });
    context.setDefaultTimeout(15_000);
    page = await context.newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
    });
    page.on("dialog", (dialog) => complaints.push(dialog.message()));
  }

  async function signIn(hash = ""): Promise<void> {
    await page.goto(url + hash);
    await page.getByLabel("API key").fill(apiKey);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("header.top").waitFor();
  }

  const picture = (name: string) => page.screenshot({ path: join(artifacts, `${name}.png`), fullPage: true });
  const figure = (title: string) => page.locator(".figure", { hasText: title }).locator("dd");

  describe("signing in", () => {
    test("a wrong key is refused with a sentence, the right one opens the page that was asked for", async () => {
      await page.goto(`${url}#/workers`);
      await page.getByLabel("API key").fill("sk-wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").getByText("This key is not known here").waitFor();
      await page.getByLabel("API key").fill(apiKey);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Workers" }).waitFor();
      expect(await page.title()).toBe("Workers · Starling");
    });

    test("the key stays nowhere a script could find it", async () => {
      await signIn();
      const places = await page.evaluate(() => [
        document.cookie,
        JSON.stringify(localStorage),
        JSON.stringify(sessionStorage),
        location.href,
        document.documentElement.outerHTML,
      ]);
      expect(places.filter((place) => place.includes(apiKey))).toEqual([]);
      expect(places[0]).toBe("");
    });

    test("a session that ends brings back the login, and signing out too", async () => {
      await signIn();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("API key").waitFor();
      await signIn("#/searches/small");
      await page.getByRole("heading", { name: "Hybrids for recall" }).waitFor();
      await context.clearCookies();
      server.emit("candidate.finished", "small");
      await page.getByLabel("API key").waitFor();
    });
  });

  describe("the list of searches", () => {
    test("each has its state, progress and best values; one state can be asked for", async () => {
      await signIn();
      const row = page.locator(".search-row", { hasText: "Hybrids for recall" });
      await row.waitFor();
      expect(await row.textContent()).toMatch(/Running.*41 of 64.*0\.813.*66K.*24 KiB/);
      await page.getByLabel("State").selectOption("completed");
      await page.locator(".search-row", { hasText: "First look" }).waitFor();
      await expect.poll(() => page.locator(".search-row").count()).toBe(1);
    });

    test("a service without searches invites to the first one", async () => {
      server.searches.clear();
      await signIn();
      await page.getByRole("heading", { name: "No search yet" }).waitFor();
      await picture("empty");
      await page.getByRole("link", { name: "Start the first search" }).click();
      await page.getByRole("heading", { name: "New search" }).waitFor();
    });
  });

  describe("a new search", () => {
    test("what the service refuses stands beside its field; corrected, the search opens", async () => {
      await signIn("#/searches/new");
      await page.getByLabel("Name", { exact: true }).fill("Recall at width 64");
      await page.getByLabel("Candidates").fill("2000000");
      await page.getByRole("button", { name: "Start search" }).click();
      const field = page.getByLabel("Candidates");
      await page.locator(".field", { has: field }).getByText("Too big").waitFor();
      expect(await field.getAttribute("aria-invalid")).toBe("true");
      await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
      await picture("new-search-refused");
      await field.fill("48");
      await page.getByRole("button", { name: "Start search" }).click();
      await page.getByRole("heading", { name: "Recall at width 64" }).waitFor();
      expect(server.created).toHaveLength(2);
      expect(server.created[1]).toMatchObject({ name: "Recall at width 64", budget: { candidates: 48 } });
    });

    test("the preview follows the form, as JSON and as curl", async () => {
      await signIn("#/searches/new");
      await page.getByLabel("Positions").fill("6");
      await page.getByRole("group", { name: "Operators" }).getByLabel("Mamba").uncheck();
      const shown = JSON.parse((await page.locator(".preview pre").textContent()) ?? "");
      expect(shown.space.depth).toBe(6);
      expect(shown.space.operators).not.toContain("mamba");
      await page.getByLabel("curl").check();
      expect(await page.locator(".preview pre").textContent()).toContain(`curl -X POST '${url}api/v1/searches'`);
    });

    test("settings can be copied from another search", async () => {
      await signIn("#/searches/small");
      await page.getByRole("link", { name: "Copy settings" }).click();
      await page.getByRole("heading", { name: "New search" }).waitFor();
      expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("Hybrids for recall, 128 wide again");
      expect(await page.getByLabel("Profile").inputValue()).toBe("fast");
    });
  });

  describe("one search", () => {
    test("events change the numbers without a reload, also after the stream broke", async () => {
      await signIn("#/searches/small");
      await page.getByText("41 of 64").waitFor();
      await page.locator(".connection[data-connection=live]").waitFor();
      const stored = server.searches.get("small")?.search;
      if (!stored) throw new Error("no search");
      stored.candidates.complete += 5;
      stored.best.score = 0.901;
      server.emit("candidate.finished", "small");
      await page.getByText("46 of 64").waitFor();
      expect(await figure("Best score").textContent()).toBe("0.901");
      server.dropStreams();
      await page.getByText("Reconnecting").waitFor();
      stored.candidates.complete += 1;
      await page.getByText("47 of 64").waitFor();
      await page.locator(".connection[data-connection=live]").waitFor();
      expect(server.resumedFrom).toBe("1");
    });

    test("pausing says what it means and asks first", async () => {
      await signIn("#/searches/small");
      await page.getByRole("button", { name: "Pause" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("Evaluations that are running go on to their end").waitFor();
      await picture("pause");
      expect(server.acted).toEqual([]);
      await dialog.getByRole("button", { name: "Pause" }).click();
      await page.locator(".heading .state[data-state=paused]").waitFor();
      expect(server.acted).toEqual(["small pause"]);
      await page.getByRole("button", { name: "Resume" }).waitFor();
    });

    test("the front is drawn with the known designs by name, on the axes one chooses", async () => {
      await signIn("#/searches/small");
      const chart = page.locator("section", { has: page.getByRole("heading", { name: "Pareto front" }) });
      await chart.locator("svg text", { hasText: "Transformer++" }).waitFor();
      const names = await chart.locator("svg").textContent();
      for (const name of ["Hyena", "Mamba", "Striped Hyena"]) expect(names).toContain(name);
      expect(names).toContain("Parameters (trainable numbers in operators)");
      await chart.getByLabel("Across").selectOption("stateBytes");
      await chart.locator("svg text", { hasText: "State (bytes per sequence after 4,096 tokens)" }).waitFor();
    });

    test("a point opens its candidate by mouse and by keyboard", async () => {
      await signIn("#/searches/small");
      const point = page.locator(".chart a[*|href='#/searches/small/candidates/42']").first();
      await point.click();
      await page.getByRole("heading", { name: "Candidate 42" }).waitFor();
      await page.goBack();
      await point.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Candidate 42" }).waitFor();
    });

    test("the table is sorted and paged by the service", async () => {
      await signIn("#/searches/small");
      const first = page.locator("tbody tr").first();
      await first.getByText("Candidate 47").waitFor();
      await page.getByRole("button", { name: "Next" }).click();
      await first.getByText("Candidate 22").waitFor();
      await page.getByRole("button", { name: "Previous" }).click();
      await page.getByRole("button", { name: "Score" }).click();
      await expect.poll(() => first.textContent()).toContain("0.818");
      expect(await page.locator("th[aria-sort=descending]").textContent()).toContain("Score");
    });

    test("a hundred thousand candidates cost no more requests and nodes than forty", async () => {
      const measure = async (id: string) => {
        server.requests.length = 0;
        await page.goto(`${url}#/searches/${id}`);
        await page.locator(".connection[data-connection=live]").waitFor();
        await page.locator(".chart svg").nth(1).waitFor();
        await page.waitForTimeout(500);
        const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
        return { requests: server.requests.length, nodes };
      };
      await signIn("#/workers");
      const small = await measure("small");
      await page.goto(`${url}#/workers`);
      const large = await measure("large");
      expect(await page.getByText("99,993 of 120,000").count()).toBe(1);
      expect(large.requests).toBeLessThanOrEqual(small.requests + 2);
      expect(large.requests).toBeLessThanOrEqual(13);
      expect(large.nodes).toBeLessThan(2 * small.nodes);
    });
  });

  describe("one candidate", () => {
    test("the slider recomputes the state bytes from the genome", async () => {
      await signIn("#/searches/small/candidates/33");
      const genome = server.searches.get("small")?.candidates[33]?.genome ?? "";
      const slider = page.getByLabel("Context length");
      const total = page.locator("tfoot [data-cost=stateBytes]");
      for (const power of [12, 17]) {
        await slider.fill(String(power));
        const { stateBytes } = genomeCosts(parseGenome(genome), shape, 2 ** power);
        await expect.poll(() => total.getAttribute("title")).toBe(`${stateBytes.toLocaleString("en")} bytes`);
      }
      await page.getByText("131,072 tokens").waitFor();
    });

    test("the drawing names every position, and parents are links", async () => {
      await signIn("#/searches/small/candidates/33");
      const drawing = page.locator("svg.drawing");
      expect(await drawing.getAttribute("aria-label")).toBe("From input to output: Hyena, MLP, Mamba, SwiGLU");
      await page.locator(".relatives").getByRole("link", { name: "20" }).click();
      await page.getByRole("heading", { name: "Candidate 20" }).waitFor();
    });

    test("the export is a file with the genome", async () => {
      await signIn("#/searches/small/candidates/33");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Export genome" }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/33\.json$/);
      const file = JSON.parse(readFileSync(await download.path(), "utf8"));
      expect(file).toMatchObject({
        format: "starling-genome",
        genome: server.searches.get("small")?.candidates[33]?.genome,
      });
    });

    test("one that is not there is said to be missing", async () => {
      await signIn("#/searches/small/candidates/4711");
      await page.getByRole("alert").getByText("There is no candidate 4711.").waitFor();
    });
  });

  test("markup in names and messages stays text everywhere", async () => {
    await signIn();
    for (const hash of ["#/searches", "#/searches/evil", "#/searches/evil/candidates/2", "#/searches/new?from=evil"]) {
      await page.goto(url + hash);
      await page.reload();
      await page.getByText("window.attacked=1").first().waitFor({ state: "attached" });
      await page.waitForTimeout(200);
    }
    await page.goto(`${url}#/searches/evil`);
    await page.getByRole("heading", { name: attack }).waitFor();
    const traces = await page.evaluate(() => ({
      attacked: "attacked" in window,
      images: document.querySelectorAll("img").length,
      scripts: [...document.scripts].filter((script) => !script.src).length,
    }));
    expect(traces).toEqual({ attacked: false, images: 0, scripts: 0 });
  });

  test("every control has a name", async () => {
    await signIn();
    for (const hash of ["#/searches", "#/searches/small", "#/searches/small/candidates/33", "#/searches/new"]) {
      await page.goto(url + hash);
      await page.locator("h1").waitFor();
      const nameless = await page.locator("input, select, textarea, button, a").evaluateAll((controls) =>
        controls
          .filter((control) => {
            const labels = (control as HTMLInputElement).labels?.length ?? 0;
            return (
              !labels &&
              !control.getAttribute("aria-label") &&
              !control.textContent?.trim() &&
              !control.querySelector("[aria-label]")
            );
          })
          .map((control) => control.outerHTML),
      );
      expect(nameless, hash).toEqual([]);
    }
  });

  test.each([
    ["light", "desktop", 1440],
    ["dark", "desktop", 1440],
    ["light", "phone", 390],
    ["dark", "phone", 390],
  ] as const)("every page fits its window: %s, %s", async (colorScheme, label, width) => {
    await openPage({ colorScheme, width, height: 900 });
    await page.goto(url);
    await page.getByLabel("API key").waitFor();
    await picture(`login-${label}-${colorScheme}`);
    await signIn();
    const pages = {
      searches: ["#/searches", ".search-row"],
      search: ["#/searches/small", "tbody tr"],
      candidate: ["#/searches/small/candidates/33", ".drawing"],
      "new-search": ["#/searches/new", ".preview"],
      workers: ["#/workers", "tbody tr"],
    } as const;
    for (const [name, [hash, ready]] of Object.entries(pages)) {
      await page.goto(url + hash);
      await page.locator(ready).first().waitFor();
      await page.waitForTimeout(200);
      await picture(`${name}-${label}-${colorScheme}`);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wider, name).toBeLessThanOrEqual(0);
    }
  });
});
