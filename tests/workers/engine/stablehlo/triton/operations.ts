// The operations of Triton's language that the interpreter knows: how each is written, what it demands, what it computes.
import { type Numbers, require, sizeOf } from "../interpreter.ts";
import { type Addresses, agree, type Cells, type Evaluate, pointee, type Type, typeOf } from "./interpreter.ts";

type Groups = Readonly<Record<string, string>>;
interface Operation {
  /** The whole line, with the group `operands` and those of types and attributes. */
  readonly notation: RegExp;
  check(operands: readonly Type[], groups: Groups): { readonly result: Type | undefined; readonly evaluate: Evaluate };
}

const value = "%\\w+(?:#\\d+)?";
const values = (count: number) => `(?<operands>${Array(count).fill(value).join(", ")})`;
const type = (name: string) => `(?<${name}>\\S+)`;

const doubles = {
  addf: (x, y) => x + y,
  subf: (x, y) => x - y,
  mulf: (x, y) => x * y,
  divf: (x, y) => x / y,
  maxnumf: (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.max(x, y)),
  minnumf: (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.min(x, y)),
} satisfies Record<string, (x: number, y: number) => number>;

const integers = {
  addi: (x, y) => x + y,
  subi: (x, y) => x - y,
  muli: (x, y) => x * y,
  divsi: (x, y) => Math.trunc(x / nonzero(y)),
  remsi: (x, y) => x % nonzero(y),
  maxsi: Math.max,
  minsi: Math.min,
} satisfies Record<string, (x: number, y: number) => number>;

const comparisons: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  slt: (x, y) => x < y,
  sle: (x, y) => x <= y,
  sge: (x, y) => x >= y,
};

export const operations: Readonly<Record<string, Operation>> = {
  ...elementwise("arith", doubles, ["f32", "bf16"]),
  ...elementwise("arith", integers, ["i32"]),
  ...elementwise("arith", { andi: (x, y) => x & y }, ["i1"]),
  ...elementwise("math", { exp2: (x) => 2 ** x, log2: Math.log2 }, ["f32"]),

  "arith.constant": of(`arith.constant (?<data>\\S+) : ${type("type")}`, (_, { data = "", type = "" }) => {
    const result = typeOf(type);
    const [, splat] = data.match(/^dense<(.*)>$/) ?? [];
    require((splat !== undefined) === result.shape.length > 0, "dense for a tile and no other");
    const form = result.element === "i32" ? /^-?\d+$/ : /^-?\d+\.\d+(e[+-]?\d+)?$/;
    require(["f32", "bf16", "i32"].includes(result.element) && form.test(splat ?? data), `literal ${data}`);
    const filled = new Float64Array(sizeOf(result.shape)).fill(Number(splat ?? data));
    return { result, evaluate: () => filled };
  }),
  "arith.cmpi": of(`arith.cmpi (?<order>\\w+), ${values(2)} : ${type("type")}`, ([a, b], { order = "", type = "" }) => {
    for (const operand of [a, b]) agree(ok(operand), typeOf(type));
    const holds = ok(comparisons[order]);
    require(ok(a).element === "i32", "only int32 is compared");
    const evaluate = mapped((x, y) => Number(holds(x, y)));
    return { result: { element: "i1", shape: ok(a).shape }, evaluate };
  }),
  "arith.select": of(
    `arith.select ${values(3)} : ${type("condition")}, ${type("type")}`,
    ([isThen, then, otherwise], { condition = "", type = "" }) => {
      const result = typeOf(type);
      agree(ok(isThen), typeOf(condition));
      agree(ok(isThen), { element: "i1", shape: result.shape });
      for (const operand of [then, otherwise]) agree(ok(operand), result);
      const evaluate: Evaluate = ([on, a, b]) =>
        numbers(a).map((x, i) => (numbers(on)[i] ? x : (numbers(b)[i] as number)));
      return { result, evaluate };
    },
  ),
  "arith.extf": conversion("arith.extf", "bf16", "f32"),
  "arith.truncf": conversion("arith.truncf", "f32", "bf16"),

  "tt.get_program_id": of("tt.get_program_id (?<axis>[xyz]) : i32", (_, { axis = "" }) => ({
    result: { element: "i32", shape: [] },
    evaluate: (_operands, { place }) => [ok(place["xyz".indexOf(axis)])],
  })),
  "tt.make_range": of(
    `tt.make_range \\{end = (?<end>\\d+) : i32, start = (?<start>\\d+) : i32\\} : ${type("type")}`,
    (_, { start, end, type = "" }) => {
      const result = typeOf(type);
      agree(result, { element: "i32", shape: [Number(end) - Number(start)] });
      const range = Int32Array.from({ length: sizeOf(result.shape) }, (_, i) => Number(start) + i);
      return { result, evaluate: () => range };
    },
  ),
  "tt.splat": rearrangement("tt.splat", ({ shape }, result) => {
    require(shape.length === 0, "only a scalar fills a tile");
    return Array(sizeOf(result.shape)).fill(0);
  }),
  "tt.broadcast": rearrangement("tt.broadcast", ({ shape }, result) => {
    require(shape.length === result.shape.length, "the rank stays");
    shape.forEach((size, axis) => {
      require(size === 1 || size === result.shape[axis], `axis ${axis} does not spread`);
    });
    return places(result.shape, (index) =>
      flat(
        index.map((i, axis) => (shape[axis] === 1 ? 0 : i)),
        shape,
      ),
    );
  }),
  "tt.expand_dims": rearrangement(
    "tt.expand_dims",
    ({ shape }, result, { axis }) => {
      fits(shape.toSpliced(Number(axis), 0, 1), result.shape);
      require(Number(axis) <= shape.length, `axis ${axis}`);
      return [...Array(sizeOf(shape)).keys()];
    },
    " \\{axis = (?<axis>\\d+) : i32\\}",
  ),
  "tt.trans": rearrangement(
    "tt.trans",
    ({ shape }, result) => {
      fits(shape.toReversed(), result.shape);
      return places(result.shape, (index) => flat(index.toReversed(), shape));
    },
    " \\{order = array<i32: 1, 0>\\}",
  ),
  "tt.reduce": of(
    `"tt\\.reduce"\\((?<operands>${value})\\) <\\{axis = (?<axis>\\d+) : i32\\}> \\(\\{ \\^bb0\\((?<a>%\\w+): (?<element>f32), (?<b>%\\w+): f32\\): (?<c>%\\w+) = arith\\.(?<fold>addf|maxnumf) \\k<a>, \\k<b> : f32 tt\\.reduce\\.return \\k<c> : f32 \\}\\) : \\(${type("from")}\\) -> ${type("to")}`,
    ([x], { axis: axisText, fold = "", from = "", to = "" }) => {
      const [{ shape, element }, result, axis] = [ok(x), typeOf(to), Number(axisText)];
      agree(ok(x), typeOf(from));
      agree(result, { element, shape: shape.toSpliced(axis, 1) });
      require(element === "f32" && axis < shape.length, `axis ${axis} of ${from}`);
      const combine = doubles[fold as "addf" | "maxnumf"];
      const [size, inside] = [ok(shape[axis]), sizeOf(shape.slice(axis + 1))];
      const evaluate: Evaluate = ([operand]) =>
        Float32Array.from({ length: sizeOf(result.shape) }, (_, place) => {
          const first = Math.floor(place / inside) * size * inside + (place % inside);
          let total = ok(numbers(operand)[first]);
          for (let i = 1; i < size; i++) total = Math.fround(combine(total, ok(numbers(operand)[first + i * inside])));
          return total;
        });
      return { result, evaluate };
    },
  ),
  "tt.dot": of(
    `tt\\.dot ${values(3)}, inputPrecision = (?<precision>ieee|tf32) : ${type("a")} \\* ${type("b")} -> ${type("sum")}`,
    (operands, groups) => {
      const [a, b, sum] = ["a", "b", "sum"].map((name, i) => {
        const written = typeOf(ok(groups[name]));
        agree(ok(operands[i]), written);
        return written;
      }) as [Type, Type, Type];
      const [m = 0, k = 0] = a.shape;
      const n = b.shape[1] ?? 0;
      require(a.element === b.element && ["f32", "bf16"].includes(a.element), "elements of the factors");
      require(a.element !== "f32" || groups.precision === "ieee", "float32 factors would lose digits");
      require([a, b].every(({ shape }) => shape.length === 2) && b.shape[0] === k, "shapes of the factors");
      require(Math.min(m, k, n) >= 16, `a product of ${m} x ${k} x ${n}: Triton wants at least 16 of each`);
      agree(sum, { element: "f32", shape: [m, n] });
      const evaluate: Evaluate = ([left, right, start]) => {
        const [x, y, out] = [numbers(left), numbers(right), Float32Array.from(numbers(start))];
        for (let row = 0; row < m; row++)
          for (let column = 0; column < n; column++) {
            let total = ok(out[row * n + column]);
            for (let i = 0; i < k; i++) total = Math.fround(total + ok(x[row * k + i]) * ok(y[i * n + column]));
            out[row * n + column] = total;
          }
        return out;
      };
      return { result: sum, evaluate };
    },
  ),

  "tt.addptr": of(`tt.addptr ${values(2)} : ${type("pointers")}, ${type("offsets")}`, ([pointers, offsets], groups) => {
    agree(ok(pointers), typeOf(ok(groups.pointers)));
    agree(ok(offsets), typeOf(ok(groups.offsets)));
    pointee(ok(pointers).element);
    agree(ok(offsets), { element: "i32", shape: ok(pointers).shape });
    const evaluate: Evaluate = ([from, by]) => {
      const { memory, offsets } = addresses(from);
      return { memory, offsets: offsets.map((offset, i) => offset + ok(numbers(by)[i])) };
    };
    return { result: ok(pointers), evaluate };
  }),
  "tt.load": of(
    `tt.load (?<operands>${value}(?:, ${value}, ${value})?) : ${type("type")}`,
    ([pointers, mask, other], { type = "" }) => {
      agree(ok(pointers), typeOf(type));
      const result: Type = { element: pointee(ok(pointers).element), shape: ok(pointers).shape };
      if (mask) agree(mask, { element: "i1", shape: result.shape });
      if (other) agree(other, result);
      const evaluate: Evaluate = ([from, on, otherwise], { number }) => {
        const { memory, offsets } = addresses(from);
        return Float32Array.from(offsets, (offset, i) => {
          if (on && !numbers(on)[i]) return ok(numbers(otherwise)[i]);
          require(offset >= 0 && offset < memory.data.length, `reads ${memory.name}[${offset}]`);
          const writer = ok(memory.writers[offset]);
          require(writer === 0 || writer === number, `${memory.name}[${offset}] was written by another program`);
          return ok(memory.data[offset]);
        });
      };
      return { result, evaluate };
    },
  ),
  "tt.store": of(
    `tt.store (?<operands>${value}, ${value}(?:, ${value})?) : ${type("type")}`,
    ([pointers, stored, mask], { type = "" }) => {
      const { element, shape } = ok(pointers);
      agree(ok(pointers), typeOf(type));
      agree(ok(stored), { element: pointee(element), shape });
      if (mask) agree(mask, { element: "i1", shape });
      const evaluate: Evaluate = ([to, from, on], { number }) => {
        const { memory, offsets } = addresses(to);
        offsets.forEach((offset, i) => {
          if (on && !numbers(on)[i]) return;
          require(offset >= 0 && offset < memory.data.length, `writes ${memory.name}[${offset}]`);
          const [before, now] = [memory.data[offset], ok(numbers(from)[i])];
          const isOther = memory.writers[offset] !== 0 && memory.writers[offset] !== number;
          require(!isOther || Object.is(before, now), `${memory.name}[${offset}] is written by two programs`);
          memory.data[offset] = now;
          memory.writers[offset] = number;
        });
        return undefined;
      };
      return { result: undefined, evaluate };
    },
  ),
};

function of(notation: string, check: Operation["check"]): Operation {
  return { notation: new RegExp(`^${notation}$`), check };
}

function elementwise(
  dialect: string,
  functions: Readonly<Record<string, (x: number, y: number) => number>>,
  elements: readonly Type["element"][],
): Record<string, Operation> {
  const entries = Object.entries(functions).map(([word, compute]): [string, Operation] => {
    const count = dialect === "math" ? 1 : 2;
    const operation = of(`${dialect}\\.${word} ${values(count)} : ${type("type")}`, (operands, { type = "" }) => {
      const result = typeOf(type);
      for (const operand of operands) agree(operand, result);
      require(elements.includes(result.element), `${word} of ${result.element}`);
      return { result, evaluate: mapped(compute) };
    });
    return [`${dialect}.${word}`, operation];
  });
  return Object.fromEntries(entries);
}

function mapped(compute: (x: number, y: number) => number): Evaluate {
  return ([x, y]) => {
    const [left, right] = [numbers(x), y && numbers(y)];
    const out = new Float64Array(left.length);
    for (let i = 0; i < out.length; i++) out[i] = compute(left[i] as number, (right?.[i] ?? 0) as number);
    return out;
  };
}

function conversion(operation: string, from: Type["element"], to: Type["element"]): Operation {
  return of(`${operation} ${values(1)} : ${type("from")} to ${type("to")}`, ([x], groups) => {
    const result = typeOf(ok(groups.to));
    agree(ok(x), typeOf(ok(groups.from)));
    agree(ok(x), { element: from, shape: result.shape });
    require(result.element === to, `to ${result.element}`);
    return { result, evaluate: ([x]) => numbers(x) };
  });
}

/** The same elements elsewhere; `sources` says where each of the result comes from. */
function rearrangement(
  operation: string,
  sources: (from: Type, to: Type, groups: Groups) => readonly number[],
  attributes = "",
): Operation {
  const notation = `${operation} ${values(1)}${attributes} : ${type("from")} -> ${type("to")}`;
  return of(notation, ([x], groups) => {
    const [from, result] = [typeOf(ok(groups.from)), typeOf(ok(groups.to))];
    agree(ok(x), from);
    require(from.element === result.element, "the element stays");
    const picked = sources(from, result, groups);
    const evaluate: Evaluate = ([cells]) => {
      const moved = (array: Numbers) => Float64Array.from(picked, (place) => ok(array[place]));
      if (!("memory" in ok(cells))) return moved(numbers(cells));
      const { memory, offsets } = addresses(cells);
      return { memory, offsets: Int32Array.from(moved(offsets)) };
    };
    return { result, evaluate };
  });
}

/** The source of every element of a shape. */
function places(shape: readonly number[], source: (index: readonly number[]) => number): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, place) => {
    let rest = place;
    const index = shape.toReversed().map((size) => {
      const i = rest % size;
      rest = Math.floor(rest / size);
      return i;
    });
    return source(index.reverse());
  });
}

function flat(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((place, i, axis) => place * ok(shape[axis]) + i, 0);
}

function fits(shape: readonly number[], expected: readonly number[]): void {
  require(shape.join() === expected.join(), `[${shape}] where [${expected}] is expected`);
}

function nonzero(divisor: number): number {
  require(divisor !== 0, "a division by zero");
  return divisor;
}

function numbers(cells: Cells | undefined): Numbers {
  require(cells !== undefined && !("memory" in cells), "numbers are expected");
  return cells;
}

function addresses(cells: Cells | undefined): Addresses {
  require(cells !== undefined && "memory" in cells, "addresses are expected");
  return cells;
}

function ok<X>(x: X | undefined): X {
  if (x === undefined) throw new Error("an operand is missing");
  return x;
}
