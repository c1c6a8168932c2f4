import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Candidate, Front } from "../../dashboards/api.ts";
import { describeSetting } from "../../dashboards/candidate/evaluations.tsx";
import { curveSamples } from "../../dashboards/charts/curve.tsx";
import { type Axes, type FrontPoint, frontPoints, staircase } from "../../dashboards/charts/front.tsx";
import { volumeSteps } from "../../dashboards/charts/hypervolume.tsx";
import { placeLabels } from "../../dashboards/charts/labels.ts";
import { profilePoints } from "../../dashboards/charts/profile.tsx";
import { byteTicks, costScale, linearScale } from "../../dashboards/charts/scale.ts";
import { defaultAxes } from "../../dashboards/search/front-panel.tsx";

function candidate(number: number, values: Partial<Candidate>): Candidate {
  return {
    id: `c${number}`,
    searchId: "s",
    number,
    generation: 0,
    genome: "11111",
    genomeHash: "",
    knownDesign: null,
    state: "complete",
    outcome: "scored",
    reason: null,
    message: null,
    parents: [],
    variation: {},
    parameters: 1000,
    stateBytes: 0,
    flopsPerToken: 1,
    score: 0.5,
    taskScores: {},
    stepMs: null,
    ...{ rung: 0, cohort: null, isFinal: true, rungScores: [] },
    ...{ paidEvaluations: 6, paidFlops: 1e13, deviceSeconds: 105 },
    feasible: true,
    createdAt: new Date(0),
    finishedAt: null,
    ...values,
  };
}

const axes: Axes = { x: "parameters", y: "score" };

describe("points of the front", () => {
  const known = candidate(0, { knownDesign: "mamba" });
  const front: Front = {
    objectives: [
      { name: "score", direction: "maximize", limit: null },
      { name: "stateBytes", direction: "minimize", limit: null },
    ],
    front: [known, candidate(7, { score: 0.9 })],
    knownDesigns: [known, candidate(1, { knownDesign: "hyena", score: null })],
  };

  test("each candidate is drawn once, known designs as such, and none without a value", () => {
    const points = frontPoints(front, [candidate(7, {}), candidate(9, { score: 0.2 })], axes);
    expect(points.map(({ number, kind, name }) => [number, kind, name])).toEqual([
      [0, "known", "Mamba"],
      [7, "front", null],
      [9, "other", null],
    ]);
  });

  test("a point links to its candidate and says every objective", () => {
    const point = frontPoints(front, [], axes).find(({ number }) => number === 7);
    expect(point?.href).toBe("#/searches/s/candidates/7");
    expect(point?.title).toBe("Candidate 7\nScore: 0.900\nParameters: 1K\nState: 0 B");
  });
});

describe("staircase", () => {
  const point = (x: number, y: number): FrontPoint => ({
    number: 0,
    x,
    y,
    name: null,
    kind: "front",
    href: "",
    title: "",
  });
  const coordinates = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), {
    maxLength: 12,
  });

  test.each([
    { x: "parameters", y: "score" },
    { x: "score", y: "parameters" },
    { x: "parameters", y: "stateBytes" },
    { x: "score", y: "score" },
  ] as const)("its corners are the points that no other beats, x $x and y $y", (choice) => {
    const better = (name: string, a: number, b: number) => (name === "score" ? a >= b : a <= b);
    const beats = (a: readonly number[], b: readonly number[]) =>
      better(choice.x, a[0] ?? 0, b[0] ?? 0) && better(choice.y, a[1] ?? 0, b[1] ?? 0) && `${a}` !== `${b}`;
    fc.assert(
      fc.property(coordinates, (pairs) => {
        const expected = new Set(pairs.filter((one) => !pairs.some((other) => beats(other, one))).map(String));
        const corners = staircase(
          pairs.map(([x, y]) => point(x, y)),
          choice,
        );
        expect(new Set(corners.map(({ x, y }) => `${x},${y}`))).toEqual(expected);
        expect(corners.map(({ x }) => x)).toEqual(corners.map(({ x }) => x).sort((a, b) => a - b));
      }),
    );
  });

  test("company from the table is no part of it", () => {
    expect(staircase([{ ...point(1, 1), kind: "other" }], axes)).toEqual([]);
  });
});

describe("scales", () => {
  test("costs that span decades are logarithmic, with zero a square root, a score never", () => {
    expect(costScale([1_000, 900_000]).type).toBe("log");
    expect(costScale([1_000, 2_000]).type).toBe("linear");
    expect(costScale([0, 900_000]).type).toBe("sqrt");
    expect(linearScale([0.01, 0.9], [0, 1])).toEqual({ type: "linear", domain: [0, expect.closeTo(0.9712, 6)] });
  });

  test("one value, or none, still has a width", () => {
    for (const { domain } of [costScale([5]), costScale([0]), costScale([]), linearScale([0], [0, 1])]) {
      expect(domain[1]).toBeGreaterThan(domain[0]);
    }
  });

  test("a front of 200,000 points has a scale", () => {
    expect(costScale(Array.from({ length: 200_000 }, (_, i) => i + 1)).type).toBe("log");
  });

  test("bytes have their ticks at powers of two, inside the axis and not many", () => {
    expect(byteTicks({ type: "log", domain: [3_000, 300_000] })).toEqual([4096, 16_384, 65_536, 262_144]);
    expect(byteTicks({ type: "linear", domain: [0, 2_500_000] })).toEqual(
      [0, 0.5, 1, 1.5, 2].map((mib) => mib * 1024 ** 2),
    );
    expect(byteTicks({ type: "log", domain: [1, 2 ** 40] }, 5).length).toBeLessThanOrEqual(6);
  });
});

test("labels of near points cover neither each other nor a point", () => {
  const dots = [0, 1, 2, 3].map((i) => ({ text: "Striped Hyena", x: 200 + 3 * i, y: 100 + 4 * i }));
  const placed = placeLabels(dots, { left: 0, right: 600, top: 0, bottom: 300 }, 12);
  const boxes = placed.map(({ text, x, y, dx, dy, anchor }) => {
    const width = text.length * 12 * 0.5;
    const left = x + dx - { start: 0, middle: width / 2, end: width }[anchor];
    return { left, right: left + width, top: y + dy - 5, bottom: y + dy + 5 };
  });
  const clash = boxes.some((a, i) =>
    boxes.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom),
  );
  expect(clash).toBe(false);
});

test("a label goes where no line crosses it, and onto a line rather than off the frame", () => {
  const frame = { left: 0, right: 200, top: 0, bottom: 100 };
  const dot = { text: "Mamba", x: 50, y: 50 };
  const line = { left: 0, right: 200, top: 49, bottom: 51 };
  expect(placeLabels([dot], frame, 12)[0]).toMatchObject({ anchor: "start", dy: 0 });
  expect(placeLabels([dot], frame, 12, [line])[0]).toMatchObject({ anchor: "middle", dy: -14 });
  const flat = { ...frame, top: 42, bottom: 58 };
  expect(placeLabels([dot], flat, 12, [line])[0]).toMatchObject({ anchor: "start", dy: 0 });
});

test("a setting is told by what makes it hard", () => {
  const data = { task: "x", vocabulary: 16, length: 1024, trainExamples: 12_800, noiseFraction: 0.2, keyMotif: 1 };
  expect(describeSetting({ key: "full/x", data })).toBe(
    "vocabulary 16, length 1,024, 12,800 training instances, 20% noise",
  );
  expect(describeSetting({ data: { tokensToCopy: 16, noiseFraction: 0, valueMotif: 3 } })).toBe(
    "16 tokens to copy, values of up to 3",
  );
  expect(describeSetting({})).toBe("");
});

describe("hypervolume steps", () => {
  const at = new Date(0);
  const points = [0.1, 0.1, 0.3, 0.3, 0.3].map((hypervolume, i) => ({
    number: i,
    at,
    trainSeconds: 10 * i,
    hypervolume,
  }));

  test("only the corners are drawn, and the last point says how far it is", () => {
    expect(volumeSteps(points, "candidates")).toEqual([
      { effort: 1, hypervolume: 0.1 },
      { effort: 3, hypervolume: 0.3 },
      { effort: 5, hypervolume: 0.3 },
    ]);
    expect(volumeSteps(points, "train-seconds").map(({ effort }) => effort)).toEqual([0, 20, 40]);
  });

  test("results told out of order never run backwards", () => {
    const swapped = [2, 0, 1].map((number, i) => ({ number, at, trainSeconds: i, hypervolume: i }));
    expect(volumeSteps(swapped, "candidates").map(({ effort }) => effort)).toEqual([3, 3, 3]);
  });
});

test("a curve leaves out what was not measured or is not finite", () => {
  const curve = [
    { step: 0, trainLoss: 2, testLoss: null, testAccuracy: null },
    { step: 5, trainLoss: Number.NaN, testLoss: 1, testAccuracy: 0.5 },
  ];
  expect(curveSamples(curve, "loss")).toEqual([
    { step: 0, value: 2, series: "train" },
    { step: 5, value: 1, series: "test" },
  ]);
  expect(curveSamples(curve, "accuracy")).toEqual([{ step: 5, value: 0.5, series: "test" }]);
});

test("a profile has a point for each score there is", () => {
  const own = { name: "Candidate 3", taskScores: { compression: 0.25 } };
  const other = { name: "Mamba", taskScores: { compression: 0.5, memorization: 0.75 } };
  expect(profilePoints(["compression", "memorization"], own, [other])).toEqual([
    { task: "Compression", score: 0.5, name: "Mamba", own: false },
    { task: "Memorization", score: 0.75, name: "Mamba", own: false },
    { task: "Compression", score: 0.25, name: "Candidate 3", own: true },
  ]);
});

test("the first view has the score upward and the first cost across", () => {
  expect(defaultAxes(["score", "stateBytes", "parameters"])).toEqual({ x: "stateBytes", y: "score" });
  expect(defaultAxes(["score"])).toEqual({ x: "parameters", y: "score" });
  expect(defaultAxes(["parameters", "stateBytes"])).toEqual({ x: "stateBytes", y: "parameters" });
  expect(defaultAxes(["parameters"])).toEqual({ x: "score", y: "parameters" });
});
