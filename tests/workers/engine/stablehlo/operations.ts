// The StableHLO operations that the interpreter knows: how each is written, what it demands, what it computes.
import type { Evaluate, Numbers, Type } from "./interpreter.ts";
import { require, sizeOf } from "./interpreter.ts";

type Groups = Readonly<Record<string, string>>;
interface Operation {
  /** With the group `operands` and those of the attributes. */
  readonly notation: RegExp;
  /** How types are written: the one of all, `condition, operands`, or (operands) -> result. */
  readonly signature: "one" | "select" | "function";
  check(operands: readonly Type[], result: Type, groups: Groups): Evaluate;
}

const value = "%\\w+(?:#\\d+)?";
const list = (name: string) => `\\[(?<${name}>[\\d, ]*)\\]`;
const values = (count: number) => `(?<operands>${Array(count).fill(value).join(", ")})`;

export const operations: Readonly<Record<string, Operation>> = {
  ...elementwise("add subtract multiply divide maximum minimum power", 2, ["f32", "bf16", "i32"]),
  ...elementwise("and or", 2, ["i1"]),
  ...elementwise("not", 1, ["i1"]),
  ...elementwise("negate abs sign", 1, ["f32", "bf16", "i32"]),
  ...elementwise("floor ceil round_nearest_even exponential exponential_minus_one log", 1, ["f32", "bf16"]),
  ...elementwise("log_plus_one sqrt sine cosine tanh logistic", 1, ["f32", "bf16"]),
  constant: of("constant dense<(?<data>.*)>", "one", (_operands, result, { data = "" }) => {
    const numbers = literals(data, result);
    return () => numbers;
  }),
  iota: of("iota dim = (?<axis>\\d+)", "one", (_operands, result, { axis }) => {
    require(Number(axis) < result.shape.length, "no such axis");
    return () => Array.from(indices(result.shape), (index) => index[Number(axis)] ?? 0);
  }),
  compare: of(`compare (?<order>\\w+), ${values(2)}, (?<kind>\\w+)`, "function", ([a, b], result, { order, kind }) => {
    const kinds = { f32: "FLOAT", bf16: "FLOAT", i32: "SIGNED", i1: "UNSIGNED" };
    require(kind === kinds[ok(a).element], "wrong kind of comparison");
    require(ok(a).element === ok(b).element && result.element === "i1", "types");
    for (const { shape } of [ok(a), ok(b)]) fits(shape, result.shape);
    const orders: Record<string, (x: number, y: number) => boolean> = {
      LT: (x, y) => x < y,
      LE: (x, y) => x <= y,
      GT: (x, y) => x > y,
      EQ: (x, y) => x === y,
      NE: (x, y) => x !== y,
    };
    const holds = ok(orders[order ?? ""]);
    return (x, y) => Array.from(ok(x), (left, i) => Number(holds(left, at(y, i))));
  }),
  select: of(`select ${values(3)}`, "select", ([condition], result) => {
    require(ok(condition).element === "i1", "the condition is not i1");
    fits(ok(condition).shape, result.shape);
    return (isThen, then, otherwise) => Array.from(ok(isThen), (on, i) => (on ? at(then, i) : at(otherwise, i)));
  }),
  convert: of(`convert ${values(1)}`, "function", ([x], result) => {
    fits(ok(x).shape, result.shape);
    if (result.element === "i1") return (from) => Array.from(ok(from), (number) => Number(number !== 0));
    return (from) => (result.element === "i32" ? Array.from(ok(from), Math.trunc) : ok(from));
  }),
  reshape: of(`reshape ${values(1)}`, "function", ([x], result) => {
    require(sizeOf(ok(x).shape) === sizeOf(result.shape) && ok(x).element === result.element, "does not fit");
    return (from) => ok(from);
  }),
  broadcast_in_dim: of(`broadcast_in_dim ${values(1)}, dims = ${list("dims")}`, "function", ([x], result, { dims }) => {
    const [axes, shape] = [numbers(dims), ok(x).shape];
    require(axes.length === shape.length && new Set(axes).size === axes.length, "one axis of the result for each");
    axes.forEach((axis, i) => {
      require(axis < result.shape.length && [1, result.shape[axis]].includes(shape[i]), `axis ${i} does not spread`);
    });
    require(ok(x).element === result.element, "types");
    return picking(result, shape, (index) => axes.map((axis, i) => (shape[i] === 1 ? 0 : ok(index[axis]))));
  }),
  transpose: of(`transpose ${values(1)}, dims = ${list("dims")}`, "function", ([x], result, { dims }) => {
    const axes = numbers(dims);
    require(axes.toSorted((a, b) => a - b).join() === [...ok(x).shape.keys()].join(), "not a permutation");
    fits(
      axes.map((axis) => ok(ok(x).shape[axis])),
      result.shape,
    );
    require(ok(x).element === result.element, "types");
    return picking(result, ok(x).shape, (index) => ok(x).shape.map((_, axis) => ok(index[axes.indexOf(axis)])));
  }),
  slice: of(`slice (?<operands>${value}) \\[(?<ranges>[\\d:, ]+)\\]`, "function", ([x], result, { ranges = "" }) => {
    const pairs = ranges.split(", ").map((range) => range.split(":").map(Number) as [number, number]);
    require(pairs.length === ok(x).shape.length && ok(x).element === result.element, "a range for each axis");
    pairs.forEach(([first, end], axis) => {
      require(first <= end && end <= ok(ok(x).shape[axis]), `range of axis ${axis}`);
    });
    fits(
      pairs.map(([first, end]) => end - first),
      result.shape,
    );
    return picking(result, ok(x).shape, (index) => index.map((i, axis) => i + ok(pairs[axis])[0]));
  }),
  pad: of(
    `pad ${values(2)}, low = ${list("low")}, high = ${list("high")}, interior = ${list("interior")}`,
    "function",
    ([x, fill], result, { low, high, interior }) => {
      const [before, after, between] = [numbers(low), numbers(high), numbers(interior)];
      const { shape } = ok(x);
      require(between.every((size) => size === 0) && between.length === shape.length, "interior");
      require(before.length === shape.length && after.length === shape.length, "edges");
      require(ok(fill).shape.length === 0 &&
        ok(fill).element === result.element &&
        ok(x).element === result.element, "types");
      fits(
        shape.map((size, axis) => size + ok(before[axis]) + ok(after[axis])),
        result.shape,
      );
      return (from, value) =>
        Array.from(indices(result.shape), (index) => {
          const inner = index.map((i, axis) => i - ok(before[axis]));
          const isInside = inner.every((i, axis) => i >= 0 && i < ok(shape[axis]));
          return isInside ? at(from, flat(inner, shape)) : at(value, 0);
        });
    },
  ),
  concatenate: of(
    `concatenate (?<operands>${value}(?:, ${value})*), dim = (?<axis>\\d+)`,
    "function",
    (parts, result, { axis }) => {
      const along = Number(axis);
      const ends: number[] = [];
      for (const part of parts) {
        require(part.element === result.element, "types");
        ends.push((ends.at(-1) ?? 0) + ok(part.shape[along]));
        fits(part.shape.with(along, 0), result.shape.with(along, 0));
      }
      require(ends.at(-1) === result.shape[along], "the lengths do not add up");
      return (...given) =>
        Array.from(indices(result.shape), (index) => {
          const which = ends.findIndex((end) => ok(index[along]) < end);
          const inner = index.with(along, ok(index[along]) - (ends[which - 1] ?? 0));
          return at(given[which], flat(inner, ok(parts[which]).shape));
        });
    },
  ),
  reverse: of(`reverse ${values(1)}, dims = ${list("dims")}`, "one", ([x], result, { dims }) => {
    const axes = numbers(dims);
    require(axes.every((axis) => axis < result.shape.length), "no such axis");
    const turned = (i: number, axis: number) => (axes.includes(axis) ? ok(result.shape[axis]) - 1 - i : i);
    return picking(result, ok(x).shape, (index) => index.map(turned));
  }),
  reduce: {
    notation: new RegExp(
      `^stablehlo\\.reduce\\((?<operands>${value} init: ${value})\\) applies stablehlo\\.(?<with>add|maximum|minimum) across dimensions = ${list("dims")}$`,
    ),
    signature: "function",
    check: ([x], result, groups) => {
      const axes = numbers(groups.dims);
      const { shape, element } = ok(x);
      require(element === result.element && element !== "i1", "types");
      fits(
        shape.filter((_, axis) => !axes.includes(axis)),
        result.shape,
      );
      const combine = ok(functions[groups.with ?? ""]);
      return (from, initial) => {
        const totals = Array<number>(sizeOf(result.shape)).fill(at(initial, 0));
        let place = 0;
        for (const index of indices(shape)) {
          const kept = flat(
            index.filter((_, axis) => !axes.includes(axis)),
            result.shape,
          );
          totals[kept] = combine(ok(totals[kept]), at(from, place++));
        }
        return totals;
      };
    },
  },
  dot_general: of(
    `dot_general ${values(2)}, (?:batching_dims = ${list("ba")} x ${list("bb")}, )?contracting_dims = ${list("ca")} x ${list("cb")}, precision = \\[(?<p>DEFAULT|HIGHEST), \\k<p>\\]`,
    "function",
    ([a, b], result, { ba, bb, ca, cb }) => {
      const [left, right] = [ok(a), ok(b)];
      const [batchA, batchB, innerA, innerB] = [numbers(ba), numbers(bb), numbers(ca), numbers(cb)];
      const sizes = ({ shape }: Type, axes: readonly number[]) => axes.map((axis) => ok(shape[axis]));
      require(left.element === right.element && ["f32", "bf16"].includes(left.element), "types");
      require(["f32", left.element].includes(result.element), "the result's type");
      fits(sizes(left, batchA), sizes(right, batchB));
      fits(sizes(left, innerA), sizes(right, innerB));
      const free = ({ shape }: Type, taken: readonly number[]) =>
        [...shape.keys()].filter((axis) => !taken.includes(axis));
      const [freeA, freeB] = [free(left, [...batchA, ...innerA]), free(right, [...batchB, ...innerB])];
      fits([...sizes(left, batchA), ...sizes(left, freeA), ...sizes(right, freeB)], result.shape);
      const offsets = ({ shape }: Type, axes: readonly number[]) =>
        Array.from(indices(axes.map((axis) => ok(shape[axis]))), (index) =>
          index.reduce((sum, i, n) => sum + i * sizeOf(shape.slice(ok(axes[n]) + 1)), 0),
        );
      const [ofBatchA, ofBatchB] = [offsets(left, batchA), offsets(right, batchB)];
      const [ofFreeA, ofFreeB] = [offsets(left, freeA), offsets(right, freeB)];
      const [ofInnerA, ofInnerB] = [offsets(left, innerA), offsets(right, innerB)];
      return (x, y) => {
        const [xs, ys] = [ok(x), ok(y)];
        const out = new Float64Array(sizeOf(result.shape));
        let place = 0;
        for (let n = 0; n < ofBatchA.length; n++) {
          for (const rowAt of ofFreeA) {
            for (const columnAt of ofFreeB) {
              let sum = 0;
              for (let k = 0; k < ofInnerA.length; k++) {
                sum += xs[ofBatchA[n]! + rowAt + ofInnerA[k]!]! * ys[ofBatchB[n]! + columnAt + ofInnerB[k]!]!;
              }
              out[place++] = sum;
            }
          }
        }
        return out;
      };
    },
  ),
  gather: {
    notation: new RegExp(
      `^"stablehlo\\.gather"\\(${values(2)}\\) <\\{dimension_numbers = #stablehlo\\.gather<(?:offset_dims = ${list("offsets")}, )?collapsed_slice_dims = \\[(?<axis>\\d+)\\], start_index_map = \\[\\k<axis>\\], index_vector_dim = (?<vector>\\d+)>, indices_are_sorted = false, slice_sizes = array<i64: (?<sizes>[\\d, ]+)>\\}>$`,
    ),
    signature: "function",
    check: ([x, places], result, { offsets, axis, vector, sizes }) => {
      const [{ shape }, from] = [ok(x), ok(places)];
      const along = Number(axis);
      require(from.element === "i32" &&
        Number(vector) === from.shape.length &&
        ok(x).element === result.element, "types");
      fits(numbers(sizes), shape.with(along, 1));
      const end = along + from.shape.length;
      fits(shape.toSpliced(along, 1, ...from.shape), result.shape);
      fits(
        numbers(offsets),
        [...result.shape.keys()].filter((i) => i < along || i >= end),
      );
      return (table, rows) =>
        Array.from(indices(result.shape), (index) => {
          const row = at(rows, flat(index.slice(along, end), from.shape));
          return at(table, flat([...index.slice(0, along), clamp(row, ok(shape[along])), ...index.slice(end)], shape));
        });
    },
  },
  scatter: {
    notation: new RegExp(
      `^"stablehlo\\.scatter"\\(${values(3)}\\) <\\{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo\\.scatter<(?:update_window_dims = ${list("windows")}, )?inserted_window_dims = \\[0\\], scatter_dims_to_operand_dims = \\[0\\], index_vector_dim = 1>, unique_indices = false\\}> \\(\\{\\^bb0\\((?<old>%\\w+): tensor<(?<type>\\w+)>, (?<more>%\\w+): tensor<\\k<type>>\\): (?<sum>%\\w+) = stablehlo\\.add \\k<old>, \\k<more> : tensor<\\k<type>> stablehlo\\.return \\k<sum> : tensor<\\k<type>> \\}\\)$`,
    ),
    signature: "function",
    check: ([zeros, places, rows], result, { windows, type }) => {
      require(ok(zeros).element === type && ok(rows).element === type && result.element === type, "types");
      fits(ok(zeros).shape, result.shape);
      fits(ok(rows).shape.slice(1), result.shape.slice(1));
      fits(ok(places).shape, ok(rows).shape.slice(0, 1));
      fits(numbers(windows), [...result.shape.keys()].slice(1));
      const width = sizeOf(result.shape.slice(1));
      return (start, at0, updates) => {
        const sums = Array.from(ok(start));
        ok(updates).forEach((update, i) => {
          const row = at(at0, Math.floor(i / width));
          if (row >= 0 && row < ok(result.shape[0])) sums[row * width + (i % width)]! += update;
        });
        return sums;
      };
    },
  },
  dynamic_slice: of(
    `dynamic_slice (?<operands>${value}(?:, ${value})*), sizes = ${list("sizes")}`,
    "function",
    ([x, ...starts], result, { sizes }) => {
      const { shape, element } = ok(x);
      starting(starts, shape);
      fits(numbers(sizes), result.shape);
      require(element === result.element && result.shape.every((size, axis) => size <= ok(shape[axis])), "types");
      return (from, ...first) => {
        const begin = first.map((start, axis) => clamp(at(start, 0), ok(shape[axis]) - ok(result.shape[axis]) + 1));
        return picking(result, shape, (index) => index.map((i, axis) => i + ok(begin[axis])))(ok(from));
      };
    },
  ),
  dynamic_update_slice: of(
    `dynamic_update_slice (?<operands>${value}(?:, ${value})*)`,
    "function",
    ([x, update, ...starts], result) => {
      const [{ shape, element }, part] = [ok(x), ok(update)];
      starting(starts, shape);
      fits(shape, result.shape);
      require(element === result.element && part.element === element && part.shape.length === shape.length, "types");
      return (from, slice, ...first) => {
        const begin = first.map((start, axis) => clamp(at(start, 0), ok(shape[axis]) - ok(part.shape[axis]) + 1));
        const out = Array.from(ok(from));
        let place = 0;
        for (const index of indices(part.shape))
          out[
            flat(
              index.map((i, axis) => i + ok(begin[axis])),
              shape,
            )
          ] = at(slice, place++);
        return out;
      };
    },
  ),
};

const functions: Readonly<Record<string, (x: number, y: number) => number>> = {
  add: (x, y) => x + y,
  subtract: (x, y) => x - y,
  multiply: (x, y) => x * y,
  divide: (x, y) => x / y,
  maximum: Math.max,
  minimum: Math.min,
  power: (x, y) => x ** y,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  not: (x) => 1 - x,
  negate: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round_nearest_even: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)),
  exponential: Math.exp,
  exponential_minus_one: Math.expm1,
  log: Math.log,
  log_plus_one: Math.log1p,
  sqrt: Math.sqrt,
  sine: Math.sin,
  cosine: Math.cos,
  tanh: Math.tanh,
  logistic: (x) => 1 / (1 + Math.exp(-x)),
};

function of(notation: string, signature: Operation["signature"], check: Operation["check"]): Operation {
  return { notation: new RegExp(`^stablehlo\\.${notation}$`), signature, check };
}

function elementwise(names: string, count: 1 | 2, elements: readonly Type["element"][]): Record<string, Operation> {
  const operation = (name: string): Operation =>
    of(`${name} ${values(count)}`, "one", (_operands, { element }) => {
      require(elements.includes(element), `${name} of ${element}`);
      const compute = ok(functions[name]);
      return (x, y) => Float64Array.from(ok(x), (number, i) => compute(number, y?.[i] ?? 0));
    });
  return Object.fromEntries(names.split(" ").map((name) => [name, operation(name)]));
}

function literals(text: string, { shape, element }: Type): number[] {
  const size = sizeOf(shape);
  const bits = text.match(/^0x([0-9A-F]+)$/);
  if (bits) {
    require(bits[1]?.length === (element === "f32" ? 8 : 4) && element !== "i32", `bits of ${element}`);
    const single = Number.parseInt(bits[1] ?? "", 16) << (element === "f32" ? 0 : 16);
    return Array(size).fill(new Float32Array(Int32Array.of(single).buffer)[0]);
  }
  const bytes = text.match(/^"0x([0-9A-F]*)"$/);
  if (bytes) {
    const buffer = Buffer.from(bytes[1] ?? "", "hex");
    require(buffer.length === 4 * size && (element === "f32" || element === "i32"), "bytes");
    return Array.from({ length: size }, (_, i) =>
      element === "i32" ? buffer.readInt32LE(4 * i) : buffer.readFloatLE(4 * i),
    );
  }
  const forms = {
    f32: /^-?\d+\.\d+(e[+-]?\d+)?$/,
    bf16: /^-?\d+\.\d+(e[+-]?\d+)?$/,
    i32: /^-?\d+$/,
    i1: /^(true|false)$/,
  };
  const parts = text.replaceAll(/[[\]]/g, "").split(", ");
  const isSplat = !text.startsWith("[");
  require(isSplat ? parts.length === 1 : parts.length === size, "number of literals");
  require(parts.every((part) => forms[element].test(part)), `literals of ${element}`);
  const parsed = parts.map((part) => (element === "i1" ? Number(part === "true") : Number(part)));
  return isSplat ? Array(size).fill(parsed[0]) : parsed;
}

/** Every index of a shape, in order. */
function* indices(shape: readonly number[]): Generator<number[]> {
  const size = sizeOf(shape);
  const index = shape.map(() => 0);
  for (let n = 0; n < size; n++) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
}

function flat(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((place, i, axis) => place * ok(shape[axis]) + i, 0);
}

function picking(result: Type, shape: readonly number[], source: (index: number[]) => number[]): Evaluate {
  const places = Array.from(indices(result.shape), (index) => flat(source(index), shape));
  return (from) => places.map((place) => at(from, place));
}

function starting(starts: readonly Type[], shape: readonly number[]): void {
  require(starts.length === shape.length, "a start for each axis");
  require(starts.every((start) => start.element === "i32" && start.shape.length === 0), "starts are i32[]");
}

function fits(shape: readonly number[], expected: readonly number[]): void {
  require(shape.join() === expected.join(), `[${shape}] where [${expected}] is expected`);
}

function clamp(index: number, size: number): number {
  return Math.max(0, Math.min(size - 1, index));
}

function numbers(text = ""): number[] {
  return text === "" ? [] : text.split(", ").map(Number);
}

function at(array: Numbers | undefined, i: number): number {
  const number = array?.[i];
  if (number === undefined) throw new Error(`no element ${i}`);
  return number;
}

function ok<X>(x: X | undefined): X {
  if (x === undefined) throw new Error("an operand is missing");
  return x;
}
