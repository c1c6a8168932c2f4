// Writes kernels in Triton's intermediate language (TTIR), which XLA's GPU compiler takes inside a custom call.
//
// A kernel is one program, run for each point of a grid on tiles of numbers. Operands of elementwise operations
// broadcast like numpy, scalars included. Sizes of tiles are powers of two.

export type Element = "f32" | "bf16" | "i32" | "i1";

/** A tile, or a scalar where the shape is empty; offsets and masks are tiles of i32 and i1. */
export interface Tile {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly number[];
}

/** An array in device memory. */
export interface Pointer {
  readonly name: string;
  readonly element: Element;
}

type Operand = Tile | number;
type Comparison = "slt" | "sle" | "sge";

/** Everything XLA must know to compile and launch a kernel. */
export interface TritonKernel {
  readonly name: string;
  readonly text: string;
  readonly grid: readonly [number, number, number];
  readonly warps: number;
  /** Iterations of a loop whose loads are in flight at once. */
  readonly stages: number;
}

export class KernelWriter {
  readonly #parameters: Pointer[];
  #lines: string[] = [];
  #names = 0;

  constructor(parameters: Readonly<Record<string, Element>>) {
    this.#parameters = Object.entries(parameters).map(([name, element]) => ({ name: `%${name}`, element }));
  }

  pointers(): readonly Pointer[] {
    return this.#parameters;
  }

  finish(name: string, launch: Omit<TritonKernel, "name" | "text">): TritonKernel {
    const parameters = this.#parameters.map((p) => `${p.name}: !tt.ptr<${p.element}> {tt.divisibility = 16 : i32}`);
    const body = [...this.#lines, "tt.return"].join("\n");
    const text = `module {\ntt.func public @${name}(${parameters.join(", ")}) attributes {noinline = false} {\n${body}\n}\n}\n`;
    return { name, text, ...launch };
  }

  programId(axis: "x" | "y" | "z"): Tile {
    return this.#emit(`tt.get_program_id ${axis} : i32`, "i32", []);
  }

  /** 0, 1, ... size - 1. */
  range(size: number): Tile {
    return this.#emit(`tt.make_range {end = ${size} : i32, start = 0 : i32} : tensor<${size}xi32>`, "i32", [size]);
  }

  constant(value: number, element: Element = "f32", shape: readonly number[] = []): Tile {
    const number = element === "i32" || element === "i1" ? String(value) : floatText(value);
    const type = typeText({ element, shape });
    return this.#emit(`arith.constant ${shape.length > 0 ? `dense<${number}>` : number} : ${type}`, element, shape);
  }

  add(a: Operand, b: Operand): Tile {
    return this.#binary({ f: "arith.addf", i: "arith.addi" }, a, b);
  }
  sub(a: Operand, b: Operand): Tile {
    return this.#binary({ f: "arith.subf", i: "arith.subi" }, a, b);
  }
  mul(a: Operand, b: Operand): Tile {
    return this.#binary({ f: "arith.mulf", i: "arith.muli" }, a, b);
  }
  /** Truncates towards zero for i32. */
  div(a: Operand, b: Operand): Tile {
    return this.#binary({ f: "arith.divf", i: "arith.divsi" }, a, b);
  }
  remainder(a: Operand, b: Operand): Tile {
    return this.#binary({ i: "arith.remsi" }, a, b);
  }
  max(a: Operand, b: Operand): Tile {
    return this.#binary({ f: "arith.maxnumf", i: "arith.maxsi" }, a, b);
  }
  min(a: Operand, b: Operand): Tile {
    return this.#binary({ f: "arith.minnumf", i: "arith.minsi" }, a, b);
  }
  and(a: Tile, b: Tile): Tile {
    return this.#binary({ i: "arith.andi" }, a, b);
  }
  compare(how: Comparison, a: Operand, b: Operand): Tile {
    const [x, y] = this.#matched(a, b);
    return this.#emit(`arith.cmpi ${how}, ${x.name}, ${y.name} : ${typeText(x)}`, "i1", x.shape);
  }
  select(condition: Tile, then: Operand, otherwise: Operand): Tile {
    const [x, y] = this.#matched(then, otherwise);
    const shape = broadcastShape(condition.shape, x.shape);
    const [c, a, b] = [condition, x, y].map((tile) => this.broadcast(tile, shape)) as [Tile, Tile, Tile];
    const types = `${typeText(c)}, ${typeText(a)}`;
    return this.#emit(`arith.select ${c.name}, ${a.name}, ${b.name} : ${types}`, a.element, shape);
  }
  exp2(x: Tile): Tile {
    return this.#emit(`math.exp2 ${x.name} : ${typeText(x)}`, x.element, x.shape);
  }
  log2(x: Tile): Tile {
    return this.#emit(`math.log2 ${x.name} : ${typeText(x)}`, x.element, x.shape);
  }
  /** Between f32 and bf16; the tile itself where it is of that element already. */
  cast(x: Tile, element: "f32" | "bf16"): Tile {
    if (x.element === element) return x;
    const operation = element === "f32" ? "arith.extf" : "arith.truncf";
    const types = `${typeText(x)} to ${typeText({ element, shape: x.shape })}`;
    return this.#emit(`${operation} ${x.name} : ${types}`, element, x.shape);
  }

  /** Adds an axis of size 1. */
  expand(x: Tile, axis: number): Tile {
    const shape = x.shape.toSpliced(axis, 0, 1);
    const types = `${typeText(x)} -> ${typeText({ element: x.element, shape })}`;
    return this.#emit(`tt.expand_dims ${x.name} {axis = ${axis} : i32} : ${types}`, x.element, shape);
  }
  row(x: Tile): Tile {
    return this.expand(x, 0);
  }
  column(x: Tile): Tile {
    return this.expand(x, 1);
  }
  broadcast(x: Tile, shape: readonly number[]): Tile {
    if (x.shape.join() === shape.join()) return x;
    const operation = x.shape.length === 0 ? "tt.splat" : "tt.broadcast";
    const types = `${typeText(x)} -> ${typeText({ element: x.element, shape })}`;
    return this.#emit(`${operation} ${x.name} : ${types}`, x.element, shape);
  }
  transpose(x: Tile): Tile {
    const shape = x.shape.toReversed();
    const types = `${typeText(x)} -> ${typeText({ element: x.element, shape })}`;
    return this.#emit(`tt.trans ${x.name} {order = array<i32: 1, 0>} : ${types}`, x.element, shape);
  }
  sum(x: Tile, axis: number): Tile {
    return this.#reduce("arith.addf", x, axis);
  }
  greatest(x: Tile, axis: number): Tile {
    return this.#reduce("arith.maxnumf", x, axis);
  }
  /** a [m, k] b [k, n] + sum [m, n] in float32; float32 operands are multiplied as they are, without TF32. */
  dot(a: Tile, b: Tile, sum?: Tile): Tile {
    const shape = [a.shape[0] ?? 0, b.shape[1] ?? 0];
    const start = sum ?? this.constant(0, "f32", shape);
    const types = `${typeText(a)} * ${typeText(b)} -> ${typeText(start)}`;
    const precision = a.element === "f32" ? "ieee" : "tf32";
    return this.#emit(
      `tt.dot ${a.name}, ${b.name}, ${start.name}, inputPrecision = ${precision} : ${types}`,
      "f32",
      shape,
    );
  }

  /** Zero where the mask is false. */
  load(pointer: Pointer, offsets: Tile, mask?: Tile): Tile {
    const { address, type } = this.#address(pointer, offsets);
    if (!mask) return this.#emit(`tt.load ${address} : ${type}`, pointer.element, offsets.shape);
    const m = this.broadcast(mask, offsets.shape);
    const other = this.constant(0, pointer.element, offsets.shape);
    return this.#emit(`tt.load ${address}, ${m.name}, ${other.name} : ${type}`, pointer.element, offsets.shape);
  }
  /** Converts to the element of the array. */
  store(pointer: Pointer, offsets: Tile, value: Tile, mask?: Tile): void {
    const stored = this.broadcast(this.cast(value, pointer.element as "f32" | "bf16"), offsets.shape);
    const { address, type } = this.#address(pointer, offsets);
    const masked = mask ? `, ${this.broadcast(mask, offsets.shape).name}` : "";
    this.#lines.push(`tt.store ${address}, ${stored.name}${masked} : ${type}`);
  }

  /** Runs the body for from, from + step, ... below to; carried tiles (at least one) go in and come out changed. */
  loop(
    [from, to, step]: readonly [Operand, Operand, number],
    carried: readonly Tile[],
    body: (index: Tile, carried: readonly Tile[]) => readonly Tile[],
  ): readonly Tile[] {
    const [low, high, stride] = [from, to, step].map((bound) => this.#tile(bound, "i32").name);
    const index: Tile = { name: this.#fresh(), element: "i32", shape: [] };
    const inside = carried.map((tile) => ({ ...tile, name: this.#fresh() }));
    const outer = this.#lines;
    this.#lines = [];
    const next = body(index, inside);
    const inner = this.#lines;
    this.#lines = outer;

    const results = this.#fresh();
    const types = carried.map(typeText).join(", ");
    const begins = inside.map((tile, i) => `${tile.name} = ${carried[i]?.name}`).join(", ");
    this.#lines.push(
      `${results}:${carried.length} = scf.for ${index.name} = ${low} to ${high} step ${stride} iter_args(${begins}) -> (${types}) : i32 {`,
      ...inner,
      `scf.yield ${next.map(({ name }) => name).join(", ")} : ${types}`,
      "}",
    );
    return carried.map((tile, i) => ({ ...tile, name: `${results}#${i}` }));
  }

  #fresh(): string {
    return `%v${this.#names++}`;
  }

  #emit(operation: string, element: Element, shape: readonly number[]): Tile {
    const name = this.#fresh();
    this.#lines.push(`${name} = ${operation}`);
    return { name, element, shape };
  }

  #tile(value: Operand, element: Element): Tile {
    return typeof value === "number" ? this.constant(value, element) : value;
  }

  #matched(a: Operand, b: Operand): [Tile, Tile] {
    const element = typeof a === "number" ? (b as Tile).element : a.element;
    const [x, y] = [this.#tile(a, element), this.#tile(b, element)];
    if (x.element !== y.element) throw new TypeError(`a tile of ${x.element} with one of ${y.element}`);
    const shape = broadcastShape(x.shape, y.shape);
    return [this.broadcast(x, shape), this.broadcast(y, shape)];
  }

  #binary(operations: { readonly f?: string; readonly i?: string }, a: Operand, b: Operand): Tile {
    const [x, y] = this.#matched(a, b);
    const operation = x.element === "i32" || x.element === "i1" ? operations.i : operations.f;
    if (!operation) throw new TypeError(`no such operation on tiles of ${x.element}`);
    return this.#emit(`${operation} ${x.name}, ${y.name} : ${typeText(x)}`, x.element, x.shape);
  }

  #reduce(operation: string, x: Tile, axis: number): Tile {
    const shape = x.shape.toSpliced(axis, 1);
    const [a, b, c] = [this.#fresh(), this.#fresh(), this.#fresh()];
    const body = `^bb0(${a}: f32, ${b}: f32):\n${c} = ${operation} ${a}, ${b} : f32\ntt.reduce.return ${c} : f32`;
    const types = `(${typeText(x)}) -> ${typeText({ element: x.element, shape })}`;
    return this.#emit(`"tt.reduce"(${x.name}) <{axis = ${axis} : i32}> ({\n${body}\n}) : ${types}`, x.element, shape);
  }

  #address(pointer: Pointer, offsets: Tile): { address: string; type: string } {
    const scalar = `!tt.ptr<${pointer.element}>`;
    if (offsets.shape.length === 0) {
      const address = this.#fresh();
      this.#lines.push(`${address} = tt.addptr ${pointer.name}, ${offsets.name} : ${scalar}, i32`);
      return { address, type: scalar };
    }
    const type = `tensor<${offsets.shape.join("x")}x${scalar}>`;
    const [splat, address] = [this.#fresh(), this.#fresh()];
    this.#lines.push(
      `${splat} = tt.splat ${pointer.name} : ${scalar} -> ${type}`,
      `${address} = tt.addptr ${splat}, ${offsets.name} : ${type}, ${typeText(offsets)}`,
    );
    return { address, type };
  }
}

function typeText({ element, shape }: Pick<Tile, "element" | "shape">): string {
  return shape.length === 0 ? element : `tensor<${shape.join("x")}x${element}>`;
}

function broadcastShape(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  if (a.length !== b.length) throw new TypeError(`tiles of [${a}] and [${b}] do not broadcast`);
  return a.map((size, axis) => {
    const other = b[axis] ?? 1;
    if (size !== other && size !== 1 && other !== 1) throw new TypeError(`tiles of [${a}] and [${b}] do not broadcast`);
    return Math.max(size, other);
  });
}

/** Enough digits to give the same float32 back. */
function floatText(value: number): string {
  return Math.fround(value).toExponential(9);
}

/** The least power of two that is not below. */
export function powerOfTwo(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}
