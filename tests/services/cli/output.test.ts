import { expect, test } from "vitest";
import { bytes, count, duration, objectiveText, percent, table } from "../../../services/cli/output.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [1024 ** 2, "1.0 MiB"],
  [5 * 1024 ** 4, "5120.0 GiB"],
  [null, "–"],
])("%s bytes are written %s", (value, text) => {
  expect(bytes(value)).toBe(text);
});

test.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [59.6, "1 min 0 s"],
  [3599.6, "1 h 0 min"],
  [93_784, "26 h 3 min"],
  [-3, "0 s"],
  [Number.POSITIVE_INFINITY, "–"],
  [undefined, "–"],
])("%s seconds are written %s", (value, text) => {
  expect(duration(value)).toBe(text);
});

test("every objective has its own unit", () => {
  expect(objectiveText("score", 0.5412)).toBe("54.1 %");
  expect(objectiveText("stateBytes", 2048)).toBe("2.0 KiB");
  expect(objectiveText("parameters", 66_048)).toBe("66,048");
  expect(objectiveText("score", null)).toBe("–");
  expect(percent(0)).toBe("0.0 %");
  expect(count(undefined)).toBe("–");
});

test("columns of numbers stand right, columns of words stand left, and nothing is coloured", () => {
  const lines = table(
    ["name", "parameters"],
    [
      ["hyena", "8"],
      ["s4d", "33,664"],
    ],
  ).split("\n");
  expect(lines).toEqual([
    "┌───────┬────────────┐",
    "│ name  │ parameters │",
    "├───────┼────────────┤",
    "│ hyena │          8 │",
    "│ s4d   │     33,664 │",
    "└───────┴────────────┘",
  ]);
});

test("a table without rows still has its head", () => {
  expect(table(["name"], [])).toContain("│ name │");
});
