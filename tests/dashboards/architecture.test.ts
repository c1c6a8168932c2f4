import { describe, expect, test } from "vitest";
import { costsOf, describeOptions, positionsOf, signOf } from "../../dashboards/architecture.ts";
import { costShares, totalCosts } from "../../dashboards/candidate/costs.tsx";
import { changesOf, valueText, withoutLeftovers } from "../../dashboards/candidate/lineage.tsx";
import { operatorNames } from "../../genome/index.ts";

describe("positions of a genome", () => {
  test("operators and options are read from the text, defaults marked", () => {
    const positions = positionsOf("11111{heads=8}-91111");
    expect(positions?.map(({ title, sign, family }) => [title, sign, family])).toEqual([
      ["Attention", "At", "attention"],
      ["SwiGLU", "Sw", "channel"],
    ]);
    expect(positions?.[0]?.options).toContainEqual({ name: "heads", value: 8, isDefault: false });
    expect(positions?.[0]?.options).toContainEqual({ name: "rotary", value: true, isDefault: true });
  });

  test("a text that is no genome is null, not an exception", () => {
    expect(["", "<img src=x onerror=1>", "[99]1111", "11111{heads=7}"].map(positionsOf)).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test("no two operators have the same two letters", () => {
    const signs = operatorNames.map(signOf);
    expect(new Set(signs).size).toBe(operatorNames.length);
    expect(signs.every((sign) => sign.length === 2)).toBe(true);
  });

  test("options read as a phrase: switched off and none are not mentioned", () => {
    const option = (name: string, value: number | string | boolean) => ({ name, value, isDefault: false });
    expect(
      describeOptions([option("heads", 8), option("rotary", true), option("bias", false), option("map", "elu")]),
    ).toBe("heads 8, rotary, map elu");
    expect(describeOptions([option("heads", 8), option("kvHeads", 0)])).toBe("heads 8");
  });
});

describe("costs", () => {
  // Attention keeps a key and a value of width 128 per token in bf16: 2 x 128 x 2 bytes. SwiGLU keeps nothing.
  test.each([1, 4096, 1_048_576])("state at %i tokens is what attention's cache holds", (contextLength) => {
    const costs = costsOf("11111-91111", { width: 128, length: 128 }, contextLength) ?? [];
    expect(costs.map(({ stateBytes }) => stateBytes)).toEqual([512 * contextLength, 0]);
    expect(totalCosts(costs).stateBytes).toBe(512 * contextLength);
    expect(costShares(costs, "stateBytes")).toEqual([1, 0]);
  });

  test("shares of a cost that nothing has are zero", () => {
    const costs = costsOf("91111-91111", { width: 128, length: 128 }, 4096) ?? [];
    expect(costShares(costs, "stateBytes")).toEqual([0, 0]);
  });
});

describe("lineage", () => {
  test("changes are read from a variation and anything else is passed over", () => {
    const change = { position: 1, gene: "liv", from: 1, to: 8 };
    expect(
      changesOf({ kind: "mutation", changes: [change, null, 3, { gene: "liv" }, { position: "1", gene: "x" }] }),
    ).toEqual([change]);
    expect(changesOf({ kind: "mutation", changes: "many" })).toEqual([]);
    expect(changesOf({})).toEqual([]);
  });

  test("options that left with their operator are not told, those that were reset are", () => {
    const exchanged = { position: 2, gene: "liv", from: 5, to: 9 };
    const left = { position: 2, gene: "convolution", from: 3, to: null };
    const reset = { position: 0, gene: "heads", from: 8, to: null };
    const came = { position: 2, gene: "inner", from: null, to: 64 };
    expect(withoutLeftovers([reset, exchanged, left, came])).toEqual([reset, exchanged, came]);
  });

  test("an operator class is shown by name", () => {
    expect([valueText("liv", 8), valueText("liv", 99), valueText("heads", 8), valueText("heads", null)]).toEqual([
      "Hyena",
      "99",
      "8",
      "default",
    ]);
  });
});
