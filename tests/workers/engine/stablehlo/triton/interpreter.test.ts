// The interpreter itself: what it computes for a small kernel, and that it refuses what Triton or a card would.
import { describe, expect, test } from "vitest";
import { KernelWriter, type TritonKernel } from "../../../../../workers/engine/stablehlo/kernels/triton.ts";
import { runKernel } from "./interpreter.ts";

const launch = { grid: [2, 1, 1], warps: 1, stages: 1 } as const;

/** Doubles x [2 programs x 4], of which `length` exist. */
function doubling(length: number): TritonKernel {
  const w = new KernelWriter({ x: "f32", y: "bf16" });
  const [x, y] = w.pointers();
  const at = w.add(w.range(4), w.mul(w.programId("x"), 4));
  const exist = w.compare("slt", at, length);
  w.store(y!, at, w.mul(w.load(x!, at, exist), 2), exist);
  return w.finish("doubling", launch);
}

test("a kernel runs over its grid, and bf16 halves to even", () => {
  const y = new Float32Array(7);
  runKernel(doubling(7), [Float32Array.of(0, 1, 2, 3, 4, 5 + 2 ** -6, 5 + 3 * 2 ** -6), y]);
  expect([...y]).toEqual([0, 2, 4, 6, 8, 10, 10.125]); // bf16 of [8, 16) are 2^-4 apart
});

test("a loop carries tiles, and a reduction folds one axis", () => {
  const w = new KernelWriter({ y: "f32" });
  const columns = w.broadcast(w.row(w.range(4)), [2, 4]);
  const index = w.add(w.mul(w.column(w.range(2)), 4), columns);
  const ones = w.constant(1, "f32", [2, 4]);
  const [powers] = w.loop([0, 3, 1], [ones], (_, [x]) => [w.mul(w.add(x!, x!), 1.5)]);
  const masked = w.select(w.compare("slt", index, 6), powers!, 0);
  w.store(w.pointers()[0]!, w.range(2), w.sum(masked, 1));
  const y = new Float32Array(2);
  runKernel(w.finish("powers", { ...launch, grid: [1, 1, 1] }), [y]);
  expect([...y]).toEqual([4 * 27, 2 * 27]);
});

describe("it refuses", () => {
  const arrays = () => [new Float32Array(8), new Float32Array(8)];
  const changed = (from: string, to: string): TritonKernel => {
    const kernel = doubling(7);
    expect(kernel.text).toContain(from);
    return { ...kernel, text: kernel.text.replace(from, to) };
  };

  test("an access outside of an array", () => {
    expect(() => runKernel(doubling(8), [new Float32Array(7), new Float32Array(8)])).toThrow("reads %x[7]");
    expect(() => runKernel(doubling(8), [new Float32Array(8), new Float32Array(7)])).toThrow("writes %y[7]");
  });

  test("two programs that write different numbers to one element", () => {
    const w = new KernelWriter({ x: "f32", y: "f32" });
    const [x, y] = w.pointers();
    w.store(y!, w.constant(0, "i32"), w.load(x!, w.programId("x")));
    const kernel = w.finish("race", launch);
    expect(() => runKernel(kernel, [Float32Array.of(3, 3), new Float32Array(1)])).not.toThrow();
    expect(() => runKernel(kernel, [Float32Array.of(3, 4), new Float32Array(1)])).toThrow("%y[0] is written by two");
  });

  test("a program that reads what another wrote", () => {
    const w = new KernelWriter({ y: "f32" });
    const [y] = w.pointers();
    w.store(y!, w.programId("x"), w.load(y!, w.constant(0, "i32")));
    expect(() => runKernel(w.finish("race", launch), [new Float32Array(2)])).toThrow("written by another program");
  });

  test("an offset beyond int32", () => {
    const w = new KernelWriter({ y: "f32" });
    w.store(w.pointers()[0]!, w.mul(w.add(w.programId("x"), 1), 2 ** 31 - 1), w.constant(0));
    expect(() => runKernel(w.finish("far", launch), [new Float32Array(1)])).toThrow("writes %y[2147483647]");
    const wide = new KernelWriter({ y: "f32" });
    const far = wide.mul(wide.add(wide.programId("x"), 2 ** 30), 2);
    wide.store(wide.pointers()[0]!, far, wide.constant(0));
    expect(() => runKernel(wide.finish("far", launch), [new Float32Array(1)])).toThrow("2147483648 is beyond int32");
  });

  test("tiles of other sizes than powers of two, and small products", () => {
    const w = new KernelWriter({ y: "f32" });
    w.range(6);
    expect(() => runKernel(w.finish("six", launch), [new Float32Array(1)])).toThrow("6 is no power of two");
    const small = new KernelWriter({ y: "f32" });
    const tile = small.constant(1, "f32", [16, 8]);
    small.dot(tile, small.transpose(tile));
    expect(() => runKernel(small.finish("small", launch), [new Float32Array(1)])).toThrow("at least 16 of each");
  });

  test("an array that holds more digits than its element", () => {
    expect(() => runKernel(doubling(8), [new Float32Array(8), new Float32Array(8).fill(0.1)])).toThrow(
      "%y holds values that are not bf16",
    );
  });

  test.each([
    ["an unknown operation", "arith.mulf", "arith.mulg", 'no operation "arith.mulg"'],
    ["a wrong operand type", "tensor<4xf32> to tensor<4xbf16>", "tensor<4xbf16> to tensor<4xbf16>", "is expected"],
    ["a changed notation", "end = 4 : i32", "end = 4", "not of the form"],
    ["an unknown name", "arith.muli %v1", "arith.muli %w1", "%w1 is not defined"],
    ["a name twice", "%v1 = ", "%v0 = ", "%v0 is defined twice"],
    ["text after the module", "tt.return\n}\n}\n", "tt.return\n}\n}\n}\n", "text after the module"],
  ])("%s", (_, from, to, message) => {
    expect(() => runKernel(changed(from, to), arrays())).toThrow(message);
  });
});
