import { expect, test } from "vitest";
import { frontTable } from "../../../services/cli/front-table.ts";
import { candidateOf, objectives } from "./searches.ts";

test("the front comes first, best score on top, and known designs follow once, marked as not on it", () => {
  const mamba = candidateOf({ number: 2, knownDesign: "mamba", score: 0.4 });
  const text = frontTable({
    objectives,
    front: [mamba, candidateOf({ number: 9, score: 0.6, stateBytes: 4096 })],
    knownDesigns: [mamba, candidateOf({ number: 1, knownDesign: "hyena", score: 0.9 })],
  });
  const rows = text.split("\n").map((line) => line.split("│").map((cell) => cell.trim()));
  expect(rows.slice(3, -1).map((row) => row.slice(1, 6))).toEqual([
    ["yes", "#9", "found", "60.0 %", "4.0 KiB"],
    ["yes", "#2", "mamba", "40.0 %", "1.0 KiB"],
    ["no", "#1", "hyena", "90.0 %", "1.0 KiB"],
  ]);
});

test("a known design that is not trained yet shows a dash and comes last", () => {
  const waiting = candidateOf({ number: 1, knownDesign: "hyena", score: null });
  const trained = candidateOf({ number: 0, knownDesign: "mamba", score: 0.1 });
  const text = frontTable({ objectives, front: [], knownDesigns: [waiting, trained] });
  expect(text.indexOf("mamba")).toBeLessThan(text.indexOf("hyena"));
  expect(text).toMatch(/hyena +│ +–/);
});
