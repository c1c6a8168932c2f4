import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { configOf, curlCommand, defaultConfig, formOf, refusalsByField } from "../../dashboards/new-search/form.ts";
import { type SearchConfigInput, searchConfig } from "../../genome/index.ts";

const configs: Record<string, SearchConfigInput> = {
  "the default": {},
  "every field another": {
    name: "other",
    seed: 9_007_199_254_740_991,
    objectives: [{ name: "score", limit: 0.25 }, { name: "flopsPerToken" }],
    space: { depth: 6, width: 64, operators: ["mamba", "mlp"], layout: "pairs", contextLength: 100_000 },
    algorithm: { name: "nsga2", population: 8, mutationRate: 0.25, crossoverPoints: 3, elitism: 1, tournament: 4 },
    profile: "full",
    tasks: ["compression"],
    recipe: "mad-strict",
    budget: { candidates: 5, evaluations: 40, wallSeconds: 90, deviceSeconds: 600, flops: 1e15 },
    concurrency: 3,
    fidelity: { rungs: [{ steps: 0.1, tasks: ["compression"] }, { steps: 0.5 }], eta: 4, cohort: 8 },
    knownDesigns: ["mamba"],
    warmStart: ["11111-91111", "81111-91111"],
    deterministic: false,
    evaluation: { timeoutSeconds: 30, memoryMb: 512 },
  },
  "random search": { algorithm: { name: "random" } },
  "what has no field": {
    space: { sharing: false, minDepth: 2, mutability: [0, 1] },
    algorithm: { name: "surrogate", mutants: 99 },
  },
  "an option of NSGA-II that has no field": { algorithm: { name: "nsga2", mutationRate: null, motifRate: 0.3 } },
};

describe("a search in the form", () => {
  test.each(Object.entries(configs))("%s comes out as it went in", (_, input) => {
    const config = searchConfig.parse(input);
    expect(searchConfig.parse(configOf(formOf(config)))).toEqual(config);
  });

  test("what is not a number is sent as typed, for the service to refuse", () => {
    const form = { ...formOf(defaultConfig), candidates: "many", wallMinutes: "soon", depth: "" };
    expect(configOf(form)).toMatchObject({
      budget: { candidates: "many", wallSeconds: "soon" },
      space: { depth: null },
    });
  });

  test("a time limit is typed in minutes and sent in seconds", () => {
    expect(configOf({ ...formOf(defaultConfig), wallMinutes: "1.5" }).budget.wallSeconds).toBe(90);
  });

  test("what is not chosen is left to the service", () => {
    expect(Object.keys(configOf(formOf(defaultConfig)).space).sort()).toEqual(["contextLength", "depth", "layout"]);
  });

  test("an empty name is the default name", () => {
    expect(configOf({ ...formOf(defaultConfig), name: "  " }).name).toBe("untitled");
  });

  test("the values of one algorithm are not sent for the other", () => {
    expect(configOf({ ...formOf(defaultConfig), algorithm: "random" }).algorithm).toEqual({ name: "random" });
  });
});

describe("refusals", () => {
  test("each stands beside the nearest field, and the rest keep their pointer", () => {
    const refusals = [
      { pointer: "/budget/candidates", detail: "Too big" },
      { pointer: "/objectives/1/limit", detail: "Not a number" },
      { pointer: "/objectives/1/name", detail: "Unknown" },
      { pointer: "/warmStart/3", detail: "segment 1: ..." },
      { pointer: "/colour", detail: "Unrecognized key" },
      { pointer: "", detail: "Not an object" },
    ];
    const fields = ["/budget/candidates", "/objectives/1", "/objectives/1/limit", "/warmStart", "/seed"];
    expect(Object.fromEntries(refusalsByField(refusals, fields))).toEqual({
      "/budget/candidates": ["Too big"],
      "/objectives/1/limit": ["Not a number"],
      "/objectives/1": ["Unknown"],
      "/warmStart": ["segment 1: ..."],
      "": ["/colour: Unrecognized key", "Not an object"],
    });
  });
});

describe("the curl command", () => {
  test("a shell hands on exactly the body, whatever is in the name", () => {
    const config = { name: `it's "$(touch /nowhere)" \\ \`x\` ü` };
    const script = `curl() { printf %s "\${@: -1}"; }\n${curlCommand(config, "https://example.test/starling/")}`;
    const { stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(JSON.parse(stdout)).toEqual(config);
  });

  test("it holds no key", () => {
    expect(curlCommand({}, "http://x/")).toContain("Bearer $STARLING_API_KEY");
  });
});
