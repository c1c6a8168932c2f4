// The loop against the same training written with plain loops over one small table.
import { beforeAll, describe, expect, test } from "vitest";
import { drawParameters } from "../../../operators/initialize.ts";
import { eagerEngine } from "../../../workers/engine/eager.ts";
import { ignoredTarget } from "../../../workers/engine/loss.ts";
import { onnxruntimeEngine } from "../../../workers/engine/onnxruntime.ts";
import type { Engine } from "../../../workers/engine/types.ts";
import { BatchOrder } from "../../../workers/mad/batches.ts";
import { type DataSet, generateDataSet, type Split } from "../../../workers/mad/generate.ts";
import { bestMember, type Member } from "../../../workers/mad/member.ts";
import type { EvaluationSetting } from "../../../workers/mad/profiles.ts";
import { evaluationStreams, recipes } from "../../../workers/mad/recipe.ts";
import { baselineOf } from "../../../workers/mad/settings.ts";
import { ignored } from "../../../workers/mad/tasks/types.ts";
import { type Progress, trainMembers } from "../../../workers/mad/train-members.ts";
import { BigramByHand, bigramModel } from "./bigram.ts";

const vocabulary = 9;
const setting: EvaluationSetting = {
  key: "test/in-context-recall",
  data: { ...baselineOf("in-context-recall"), vocabulary, length: 12, trainExamples: 23, testExamples: 13 },
  model: { width: 8, length: 12, vocabulary, backbone: "language-model" },
  training: { batch: 5, epochs: 4, evaluateEvery: 2, learningRates: [0.05, 0.2], weightDecays: [0, 0.5] },
};
const cells = [
  { learningRate: 0.05, weightDecay: 0 },
  { learningRate: 0.05, weightDecay: 0.5 },
  { learningRate: 0.2, weightDecay: 0 },
  { learningRate: 0.2, weightDecay: 0.5 },
];
const model = bigramModel(vocabulary);
const recipe = recipes["mad-2024"];
let data: DataSet;

beforeAll(async () => {
  data = (await generateDataSet(setting.data, 12345, { validationExamples: 7 })).data;
});

const run = (changes: object = {}) =>
  trainMembers({ model, data, setting, recipe, seed: 3, engine: eagerEngine(), ...changes });

const unfilled: Engine = { ...onnxruntimeEngine(), name: "onnxruntime, as many tokens as there are", tokenMultiple: 1 };

describe.each([eagerEngine(), onnxruntimeEngine(), unfilled])("on the engine $name", (engine) => {
  test("every grid cell trains as it would by hand, partial batches and all", async () => {
    const { members, steps } = await run({ engine });
    expect(steps).toBe(20); // 4 epochs of 23 examples in batches of 5: the last one of an epoch has 3
    expect(members.map(({ cell }) => cell)).toEqual(cells);
    for (const member of members) {
      const expected = trainByHand(member.cell);
      expect(member.curve).toHaveLength(2);
      for (const [i, point] of member.curve.entries()) {
        expect(point.step).toBe(expected[i]?.step);
        expect(point.trainLoss).toBeCloseTo(expected[i]?.trainLoss as number, 5);
        expect(point.testLoss).toBeCloseTo(expected[i]?.testLoss as number, 5);
        expect(point.testAccuracy).toBeCloseTo(expected[i]?.testAccuracy as number, 10);
      }
    }
  });
});

test("a member's result does not depend on its mates", async () => {
  const alone = { ...setting, training: { ...setting.training, learningRates: [0.2], weightDecays: [0.5] } };
  const [only] = (await run({ setting: alone })).members as [Member];
  const [, , , last] = (await run()).members as [Member, Member, Member, Member];
  expect(only.curve).toEqual(last.curve);
});

test("a call that waits behind the present one changes nothing, and none reaches past an evaluation", async () => {
  const { engine, most } = queued();
  const ahead = await run({ engine });
  expect(most()).toBe(2);
  const { members, steps } = await run();
  expect(ahead.steps).toBe(steps);
  expect(ahead.members.map(({ curve }) => curve)).toEqual(members.map(({ curve }) => curve));
});

test("training ends with the first call that fails, after those behind it", async () => {
  const { engine, open } = queued(2);
  await expect(run({ engine })).rejects.toThrow("call 2 failed");
  expect(open()).toBe(0);
});

/** The eager engine behind a queue; `failing`: number of the call that fails, counted from 1. */
function queued(failing?: number) {
  let [open, most, calls] = [0, 0, 0];
  const engine: Engine = {
    name: "queued",
    isQueued: true,
    async compile(step, initial) {
      const program = await eagerEngine().compile(step, initial);
      let tail: Promise<unknown> = Promise.resolve();
      return {
        run(steps, batches) {
          const call = ++calls;
          most = Math.max(most, ++open);
          const turn = tail.then(() => {
            if (call === failing) throw new Error(`call ${call} failed`);
            return program.run(steps, batches);
          });
          tail = turn.then(
            () => open--,
            () => open--,
          );
          return turn;
        },
        async state(names) {
          expect(open).toBe(0);
          return program.state(names);
        },
        setState: (state) => program.setState(state),
        adoptState: (source) => program.adoptState(source),
        dispose: () => program.dispose(),
      };
    },
  };
  return { engine, most: () => most, open: () => open };
}

test("the same seed gives the same training, another seed another", async () => {
  const curves = async (seed: number) => (await run({ seed })).members.map(({ curve }) => curve);
  expect(await curves(3)).toEqual(await curves(3));
  expect(await curves(4)).not.toEqual(await curves(3));
});

test("a member whose loss is not finite diverges alone, at the step where it did", async () => {
  const wild = { ...setting, training: { ...setting.training, learningRates: [0.05, 1e39], weightDecays: [0] } };
  const { members } = await run({ setting: wild });
  const [tame, lost] = members as [Member, Member];
  expect(lost.divergedAt).toBe(2); // infinite in float32; the first loss is taken before the first update
  expect(lost.curve.at(-1)).toEqual({ step: 2, trainLoss: null, testLoss: null, testAccuracy: null });
  expect(tame.divergedAt).toBeNull();
  expect(tame.curve).toEqual((await run()).members[0]?.curve);
  expect(bestMember(members)).toBe(tame);
});

test("training ends as soon as every member has diverged", async () => {
  const wild = { ...setting, training: { ...setting.training, learningRates: [1e39], weightDecays: [0] } };
  const { steps, members } = await run({ setting: wild });
  expect(steps).toBeLessThan(20);
  expect(members.every(({ divergedAt }) => divergedAt === 2)).toBe(true);
});

test("a member stops above the accuracy of its recipe, and the training with its last member", async () => {
  const eager = { ...recipe, stopAbove: -1 };
  const { members, steps } = await run({ recipe: eager });
  expect(members.map(({ stoppedAt }) => stoppedAt)).toEqual([10, 10, 10, 10]);
  expect(steps).toBe(10);
});

test("the strict recipe chooses by the validation split, which the test never decides", async () => {
  const { members } = await run({ recipe: recipes["mad-strict"] });
  for (const { best } of members) expect(best?.selection).toEqual(best?.validation);
  const byTest = await run();
  for (const [i, { curve }] of members.entries()) expect(curve).toEqual(byTest.members[i]?.curve);
});

test("progress tells every call's step, and a point after every evaluation", async () => {
  const seen: Progress[] = [];
  await run({ onProgress: (progress: Progress) => seen.push(progress) });
  expect(seen.map(({ step }) => step)).toEqual([...new Set(seen.map(({ step }) => step))].sort((a, b) => a - b));
  expect(seen.filter(({ point }) => point).map(({ step }) => step)).toEqual([10, 20]);
  expect(seen.every(({ steps, trainLoss }) => steps === 20 && Number.isFinite(trainLoss))).toBe(true);
});

test("an aborted training ends with the signal's reason", async () => {
  const controller = new AbortController();
  const aborted = run({ signal: controller.signal, onProgress: () => controller.abort(new Error("cancelled")) });
  await expect(aborted).rejects.toThrow("cancelled");
});

test("the engine ignores the targets that the tasks ignore", () => {
  expect(ignoredTarget).toBe(ignored);
});

interface Point {
  readonly step: number;
  readonly trainLoss: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
}

function trainByHand(cell: { learningRate: number; weightDecay: number }): Point[] {
  const streams = evaluationStreams(3, setting.key);
  const byHand = new BigramByHand(vocabulary, drawParameters(model, streams.parameters), cell);
  const order = new BatchOrder({ examples: 23, batch: 5 }, streams.order);
  const points: Point[] = [];
  let losses: number[] = [];
  for (let step = 1; step <= 20; step++) {
    const rows = [...order.rows(step - 1)].filter((row) => row < 23);
    losses.push(byHand.step(rows.flatMap((row) => pairsOf(data.train, row))));
    if (step % 10 === 0) {
      points.push({
        step,
        trainLoss: mean(
          losses,
          losses.map(() => 1),
        ),
        ...testByHand(byHand),
      });
      losses = [];
    }
  }
  return points;
}

/** Batches of 5, 5 and 3: each with its own macro recall, weighted by its examples. */
function testByHand(byHand: BigramByHand): { testLoss: number; testAccuracy: number } {
  const batches = [
    [0, 1, 2, 3, 4],
    [5, 6, 7, 8, 9],
    [10, 11, 12],
  ];
  const weights = batches.map(({ length }) => length);
  const pairs = batches.map((rows) => rows.flatMap((row) => pairsOf(data.test, row)));
  const accuracies = pairs.map((batch) => {
    const scored = batch.filter(([, target]) => target !== -100);
    const classes = new Set(scored.flatMap(([input, target]) => [byHand.predict(input), target]));
    const recalls = [...classes].map((token) => {
      const mine = scored.filter(([, target]) => target === token);
      return mine.length === 0 ? 0 : mine.filter(([input]) => byHand.predict(input) === token).length / mine.length;
    });
    return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
  });
  const losses = pairs.map((batch) => byHand.lossAndGradient(batch).loss);
  return { testLoss: mean(losses, weights), testAccuracy: mean(accuracies, weights) };
}

function pairsOf({ inputs, targets }: Split, row: number): [number, number][] {
  const tokens = data.tokens;
  return Array.from({ length: tokens }, (_, t) => [
    inputs[row * tokens + t] as number,
    targets[row * tokens + t] as number,
  ]);
}

function mean(values: readonly number[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return values.reduce((sum, value, i) => sum + (weights[i] as number) * value, 0) / total;
}
