import { describe, expect, test } from "vitest";
import { divisionsFor, normalize, selectByNiches, simplexPoints } from "../../genome/algorithms/niching.ts";
import { selectSurvivors } from "../../genome/algorithms/selection.ts";
import { Random } from "../../genome/index.ts";

const member = (number: number, objectives: number[], violation = 0, failed = false) => ({
  ...{ number, objectives, violation, failed },
});

describe("reference points", () => {
  test.each([
    [3, 12, 91],
    [5, 6, 210],
    [8, 3, 120],
    [4, 1, 4],
    [1, 9, 1],
  ])("%i objectives in %i shares are %i points on the simplex, as published", (objectives, divisions, count) => {
    const points = simplexPoints(objectives, divisions);
    expect(points).toHaveLength(count);
    expect(new Set(points.map(String)).size).toBe(count);
    for (const point of points) expect(point.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  test("are as many as the population can fill", () => {
    expect(divisionsFor(3, 92)).toBe(12);
    expect(divisionsFor(3, 90)).toBe(11);
    expect(divisionsFor(2, 16)).toBe(15);
    expect(divisionsFor(4, 2)).toBe(1);
  });
});

describe("normalisation", () => {
  test("undoes the scale and the origin of each objective on a plane", () => {
    const random = new Random("plane");
    const plane = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      ...Array.from({ length: 20 }, () => {
        const [a, b, c] = [random.uniform(), random.uniform(), random.uniform()];
        return [a, b, c].map((share) => share / (a + b + c));
      }),
    ];
    const stretched = plane.map(([x, y, z]) => [5 + 2 * x!, -3 + 100 * y!, 1e6 + 1e5 * z!]);
    normalize(stretched).forEach((point, index) => {
      point.forEach((value, axis) => {
        expect(value).toBeCloseTo(plane[index]![axis]!, 6);
      });
    });
  });

  test("falls back to the nadir where the extreme points span no plane", () => {
    const line = [
      [0, 0],
      [2, 4],
      [1, 2],
    ];
    expect(normalize(line)).toEqual([
      [0, 0],
      [1, 1],
      [0.5, 0.5],
    ]);
    expect(normalize([[3, 3]])).toEqual([[0, 0]]);
  });
});

describe("selection by niches", () => {
  test("keeps whole fronts, then the nearest to each direction that nobody has", () => {
    const front = [
      member(0, [0, 1]),
      member(1, [0.02, 0.98]),
      member(2, [0.5, 0.5]),
      member(3, [0.52, 0.48]),
      member(4, [0.98, 0.02]),
      member(5, [1, 0]),
    ];
    const chosen = selectByNiches(front, 3, 2, new Random(1)).map(({ number }) => number);
    expect(chosen.sort()).toEqual([0, 2, 5]);
    const behind = member(6, [2, 2]);
    expect(selectByNiches([...front, behind], 7, 2, new Random(1)).at(-1)).toBe(behind);
  });

  test("a direction that the earlier fronts have is filled last", () => {
    // The first front lies on the middle direction, the second on all three.
    const contenders = [member(0, [0.1, 0.1]), member(1, [0.5, 0.5]), member(2, [0.05, 0.95]), member(3, [0.95, 0.05])];
    const chosen = selectByNiches(contenders, 3, 2, new Random(2)).map(({ number }) => number);
    expect(chosen[0]).toBe(0);
    expect(chosen.slice(1).sort()).toEqual([2, 3]);
  });

  test("covers more directions of a sphere than crowding does", () => {
    const random = new Random("sphere");
    const points = Array.from({ length: 400 }, (_, number) => {
      const direction = [random.normal(), random.normal(), random.normal()].map(Math.abs);
      return member(
        number,
        direction.map((value) => value / Math.hypot(...direction)),
      );
    });
    const directions = simplexPoints(3, 12);
    const covered = (chosen: readonly { objectives: readonly number[] }[]) =>
      new Set(
        chosen.map(({ objectives }) => {
          const cosines = directions.map(
            (direction) =>
              direction.reduce((sum, share, i) => sum + share * objectives[i]!, 0) / Math.hypot(...direction),
          );
          return cosines.indexOf(Math.max(...cosines));
        }),
      ).size;
    const byNiches = covered(selectByNiches(points, 91, 12, new Random(1)));
    expect(byNiches).toBeGreaterThan(80);
    expect(byNiches).toBeGreaterThan(covered(selectSurvivors(points, 91)) + 15);
  });

  test("puts feasible before infeasible before failed, whatever the order in which they come", () => {
    const contenders = [
      member(0, [], 0, true),
      member(1, [], 2),
      member(2, [9, 9]),
      member(3, [], 1),
      member(4, [8, 8]),
    ];
    for (const count of [1, 2, 3, 4, 5]) {
      const chosen = selectByNiches(new Random(count).shuffle(contenders), count, null, new Random(1));
      expect(chosen.map(({ number }) => number)).toEqual([4, 2, 3, 1, 0].slice(0, count));
    }
  });

  test("one objective, and equal points, are no trouble", () => {
    const twins = [member(2, [1]), member(0, [1]), member(1, [1])];
    expect(selectByNiches(twins, 2, null, new Random(1))).toHaveLength(2);
    const equal = [member(2, [1, 1, 1]), member(0, [1, 1, 1]), member(1, [1, 1, 1])];
    expect(selectByNiches(equal, 2, null, new Random(1))).toHaveLength(2);
  });
});
