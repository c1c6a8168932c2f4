// Builds the text of StableHLO operations, one method for each kind of notation. Shapes of results are worked out here
// or given; the caller passes operands that fit.
import type { Data, Shape } from "../graph.ts";
import type { TritonKernel } from "./kernels/triton.ts";
import { type ElementType, isFloat, literal, literals, tensorType } from "./types.ts";

export interface Operand {
  /** Its name in the text. */
  readonly id: string;
  readonly shape: Shape;
  readonly type: ElementType;
  /** The number in all its places, of a constant. */
  readonly fill?: number;
}

type Order = "LT" | "LE" | "GT" | "EQ" | "NE";

/** A list of operations. Blocks inside others draw from the same names and see what was named outside. */
export class Block {
  readonly lines: string[] = [];
  readonly #names: { next: number };
  readonly #converted = new Map<string, Operand>();
  readonly #constants = new Map<string, Operand>();

  constructor(outer?: Block) {
    this.#names = outer ? outer.#names : { next: 0 };
  }

  constant(value: number, shape: Shape, type: ElementType): Operand {
    const text = `dense<${literal(value, type)}> : ${tensorType({ shape, type })}`;
    const known = this.#constants.get(text);
    if (known) return known;
    const made = { ...this.#emit(`stablehlo.constant ${text}`, shape, type), fill: value };
    this.#constants.set(text, made);
    return made;
  }

  tensor(data: Data, shape: Shape, type: "f32" | "i32" | "i1"): Operand {
    return this.#emit(
      `stablehlo.constant dense<${literals(data, shape, type)}> : ${tensorType({ shape, type })}`,
      shape,
      type,
    );
  }

  /** Counts along an axis. */
  iota(shape: Shape, axis: number): Operand {
    return this.#emit(`stablehlo.iota dim = ${axis} : ${tensorType({ shape, type: "i32" })}`, shape, "i32");
  }

  /** Operands and result of one type. */
  op(name: string, ...operands: readonly [Operand, ...Operand[]]): Operand {
    const [{ shape, type }] = operands;
    return this.#emit(`stablehlo.${name} ${ids(operands)} : ${tensorType({ shape, type })}`, shape, type);
  }

  compare(order: Order, a: Operand, b: Operand): Operand {
    const kind = isFloat(a.type) ? "FLOAT" : a.type === "i32" ? "SIGNED" : "UNSIGNED";
    return this.#typed(`stablehlo.compare ${order}, ${ids([a, b])}, ${kind}`, [a, b], a.shape, "i1");
  }

  select(condition: Operand, then: Operand, otherwise: Operand): Operand {
    const types = `${tensorType(condition)}, ${tensorType(then)}`;
    return this.#emit(`stablehlo.select ${ids([condition, then, otherwise])} : ${types}`, then.shape, then.type);
  }

  /** The operand as another element type, converted once. */
  as(x: Operand, type: ElementType): Operand {
    if (x.type === type) return x;
    if (x.fill !== undefined && isFloat(x.type) && isFloat(type)) return this.constant(x.fill, x.shape, type);
    const key = `${x.id} ${type}`;
    const known = this.#converted.get(key);
    if (known) return known;
    const made =
      type === "i1"
        ? this.compare("NE", x, this.constant(0, x.shape, x.type))
        : this.#typed(`stablehlo.convert ${x.id}`, [x], x.shape, type);
    this.#converted.set(key, made);
    return made;
  }

  /** Broadcast like numpy: aligned at the end, axes of size 1 spread. */
  spread(x: Operand, shape: Shape): Operand {
    if (x.shape.join() === shape.join()) return x;
    if (x.fill !== undefined) return this.constant(x.fill, shape, x.type);
    return this.broadcast(
      x,
      shape,
      x.shape.map((_, axis) => shape.length - x.shape.length + axis),
    );
  }

  /** Axis i of the operand becomes axis `axes[i]`. */
  broadcast(x: Operand, shape: Shape, axes: readonly number[]): Operand {
    return this.#typed(`stablehlo.broadcast_in_dim ${x.id}, dims = ${list(axes)}`, [x], shape, x.type);
  }

  reshape(x: Operand, shape: Shape): Operand {
    if (x.shape.join() === shape.join()) return x;
    return this.#typed(`stablehlo.reshape ${x.id}`, [x], shape, x.type);
  }

  transpose(x: Operand, permutation: readonly number[]): Operand {
    if (permutation.every((axis, i) => axis === i)) return x;
    const shape = permutation.map((axis) => x.shape[axis] ?? 1);
    return this.#typed(`stablehlo.transpose ${x.id}, dims = ${list(permutation)}`, [x], shape, x.type);
  }

  slice(x: Operand, begin: readonly number[], size: Shape): Operand {
    const ranges = size.map((length, axis) => `${begin[axis] ?? 0}:${(begin[axis] ?? 0) + length}`);
    return this.#typed(`stablehlo.slice ${x.id} [${ranges.join(", ")}]`, [x], size, x.type);
  }

  pad(x: Operand, value: number, before: readonly number[], after: readonly number[]): Operand {
    const fill = this.constant(value, [], x.type);
    const shape = x.shape.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0));
    const edges = `low = ${list(before)}, high = ${list(after)}, interior = ${list(shape.map(() => 0))}`;
    return this.#typed(`stablehlo.pad ${x.id}, ${fill.id}, ${edges}`, [x, fill], shape, x.type);
  }

  concatenate(operands: readonly [Operand, ...Operand[]], axis: number): Operand {
    const [first] = operands;
    const length = operands.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
    const text = `stablehlo.concatenate ${ids(operands)}, dim = ${axis}`;
    return this.#typed(text, operands, first.shape.with(axis, length), first.type);
  }

  reverse(x: Operand, axes: readonly number[]): Operand {
    return this.#emit(`stablehlo.reverse ${x.id}, dims = ${list(axes)} : ${tensorType(x)}`, x.shape, x.type);
  }

  /** Without the axes. */
  reduce(operation: "add" | "maximum" | "minimum", x: Operand, initial: number, axes: readonly number[]): Operand {
    const start = this.constant(initial, [], x.type);
    const shape = x.shape.filter((_, axis) => !axes.includes(axis));
    const text = `stablehlo.reduce(${x.id} init: ${start.id}) applies stablehlo.${operation} across dimensions = ${list(axes)}`;
    return this.#typed(text, [x, start], shape, x.type);
  }

  /** Axes of the result: the batching ones, then the others of `a`, then the others of `b`. */
  dot(a: Operand, b: Operand, axes: DotAxes, type: ElementType, isExact: boolean): Operand {
    const [batchA, batchB] = axes.batching;
    const [innerA, innerB] = axes.contracting;
    const free = (x: Operand, ...taken: (readonly number[])[]) =>
      x.shape.filter((_, axis) => !taken.flat().includes(axis));
    const batch = batchA.map((axis) => a.shape[axis] ?? 1);
    const shape = [...batch, ...free(a, batchA, innerA), ...free(b, batchB, innerB)];
    const batching = batchA.length === 0 ? "" : `batching_dims = ${list(batchA)} x ${list(batchB)}, `;
    const precision = isExact ? "HIGHEST" : "DEFAULT";
    const text = `stablehlo.dot_general ${ids([a, b])}, ${batching}contracting_dims = ${list(innerA)} x ${list(innerB)}, precision = [${precision}, ${precision}]`;
    return this.#typed(text, [a, b], shape, type);
  }

  /** Slices of `x` along an axis, at indices whose axes take its place. */
  gather(x: Operand, indices: Operand, axis: number): Operand {
    const shape = x.shape.toSpliced(axis, 1, ...indices.shape);
    const end = axis + indices.shape.length;
    const offsets = shape.flatMap((_, i) => (i < axis || i >= end ? [i] : []));
    const numbers = attributes({
      offset_dims: offsets,
      collapsed_slice_dims: [axis],
      start_index_map: [axis],
      index_vector_dim: indices.shape.length,
    });
    const sizes = integers(x.shape.with(axis, 1));
    const text = `"stablehlo.gather"(${ids([x, indices])}) <{dimension_numbers = #stablehlo.gather<${numbers}>, indices_are_sorted = false, slice_sizes = ${sizes}}>`;
    return this.#typed(text, [x, indices], shape, x.type);
  }

  /** Rows [n, ...] added into `size` rows of zeros at indices [n]. */
  scatterAdd(rows: Operand, indices: Operand, size: number): Operand {
    const zeros = this.constant(0, rows.shape.with(0, size), rows.type);
    const windows = rows.shape.slice(1).map((_, i) => i + 1);
    const numbers = attributes({
      update_window_dims: windows,
      inserted_window_dims: [0],
      scatter_dims_to_operand_dims: [0],
      index_vector_dim: 1,
    });
    const region = new Block(this);
    const scalar = (): Operand => ({ id: region.#name(), shape: [], type: rows.type });
    const [old, more] = [scalar(), scalar()];
    const sum = region.op("add", old, more);
    const type = tensorType(sum);
    const body = `({\n^bb0(${old.id}: ${type}, ${more.id}: ${type}):\n${region.lines.join("\n")}\nstablehlo.return ${sum.id} : ${type}\n})`;
    const text = `"stablehlo.scatter"(${ids([zeros, indices, rows])}) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<${numbers}>, unique_indices = false}> ${body}`;
    return this.#typed(text, [zeros, indices, rows], zeros.shape, zeros.type);
  }

  /** Slice `index` of the first axis, without that axis. */
  sliceAt(x: Operand, index: Operand): Operand {
    const size = [1, ...x.shape.slice(1)];
    const starts = this.#startingAt(index, size.length);
    const text = `stablehlo.dynamic_slice ${ids([x, ...starts])}, sizes = ${list(size)}`;
    return this.reshape(this.#typed(text, [x, ...starts], size, x.type), size.slice(1));
  }

  /** `x` with its slice `index` of the first axis replaced. */
  replaceAt(x: Operand, index: Operand, slice: Operand): Operand {
    const update = this.reshape(slice, [1, ...slice.shape]);
    const operands = [x, update, ...this.#startingAt(index, x.shape.length)];
    return this.#typed(`stablehlo.dynamic_update_slice ${ids(operands)}`, operands, x.shape, x.type);
  }

  /**
   * Repeats `body` as long as `condition` is true (i1[]). Both get the values of the present round; the body returns
   * those of the next.
   */
  while(
    initial: readonly Operand[],
    condition: (block: Block, values: readonly Operand[]) => Operand,
    body: (block: Block, values: readonly Operand[]) => readonly Operand[],
  ): Operand[] {
    const values = initial.map(({ shape, type }): Operand => ({ id: this.#name(), shape, type }));
    const [test, round] = [new Block(this), new Block(this)];
    const isOn = condition(test, values);
    const next = body(round, values);
    const name = this.#name();
    const types = values.map(tensorType).join(", ");
    const start = values.map(({ id }, i) => `${id} = ${initial[i]?.id}`).join(", ");
    this.lines.push(
      `${name}:${values.length} = stablehlo.while(${start}) : ${types}`,
      "cond {",
      ...test.lines,
      `stablehlo.return ${isOn.id} : tensor<i1>`,
      "} do {",
      ...round.lines,
      `stablehlo.return ${ids(next)} : ${types}`,
      "}",
    );
    return values.map((value, i) => ({ ...value, id: `${name}#${i}` }));
  }

  /**
   * A kernel of the device's own language, compiled with the module (XLA's `__gpu$xla.gpu.triton`). It gets the operands
   * and then the results as arrays, the last axis contiguous.
   */
  triton(
    kernel: TritonKernel,
    operands: readonly Operand[],
    results: readonly Pick<Operand, "shape" | "type">[],
  ): Operand[] {
    const [x, y, z] = kernel.grid;
    const launch = { grid_x: x, grid_y: y, grid_z: z, num_stages: kernel.stages, num_warps: kernel.warps };
    const numbers = Object.entries(launch).map(([name, value]) => `${name} = ${value} : i32`);
    const config = [
      "debug = false",
      ...numbers,
      `ir = ${stringLiteral(kernel.text)}`,
      `name = ${stringLiteral(kernel.name)}`,
    ];
    const layouts = (list: readonly Pick<Operand, "shape">[]) => `[${list.map(rowMajor).join(", ")}]`;
    const properties = [
      "api_version = 4 : i32",
      `backend_config = {${config.join(", ")}}`,
      `call_target_name = "__gpu$xla.gpu.triton"`,
      `operand_layouts = ${layouts(operands)}`,
      `result_layouts = ${layouts(results)}`,
    ];
    const types = (list: readonly Pick<Operand, "shape" | "type">[]) => list.map(tensorType).join(", ");
    const name = this.#name();
    const isOne = results.length === 1;
    const arrow = isOne ? types(results) : `(${types(results)})`;
    this.lines.push(
      `${name}${isOne ? "" : `:${results.length}`} = "stablehlo.custom_call"(${ids(operands)}) <{${properties.join(", ")}}> : (${types(operands)}) -> ${arrow}`,
    );
    return results.map(({ shape, type }, i) => ({ id: isOne ? name : `${name}#${i}`, shape, type }));
  }

  #startingAt(index: Operand, rank: number): Operand[] {
    return [index, ...Array.from({ length: rank - 1 }, () => this.constant(0, [], "i32"))];
  }

  #typed(text: string, operands: readonly Operand[], shape: Shape, type: ElementType): Operand {
    return this.#emit(
      `${text} : (${operands.map(tensorType).join(", ")}) -> ${tensorType({ shape, type })}`,
      shape,
      type,
    );
  }

  #emit(text: string, shape: Shape, type: ElementType): Operand {
    const id = this.#name();
    this.lines.push(`${id} = ${text}`);
    return { id, shape, type };
  }

  #name(): string {
    return `%v${this.#names.next++}`;
  }
}

export interface DotAxes {
  readonly batching: readonly [readonly number[], readonly number[]];
  readonly contracting: readonly [readonly number[], readonly number[]];
}

function ids(operands: readonly Operand[]): string {
  return operands.map(({ id }) => id).join(", ");
}

function list(numbers: readonly number[]): string {
  return `[${numbers.join(", ")}]`;
}

function integers(numbers: readonly number[]): string {
  return numbers.length === 0 ? "array<i64>" : `array<i64: ${numbers.join(", ")}>`;
}

/** The layout of a tensor whose last axis is contiguous, as its axes from the nearest to the farthest. */
function rowMajor({ shape }: Pick<Operand, "shape">): string {
  const axes = shape.map((_, axis) => axis).reverse();
  return axes.length === 0 ? "dense<> : tensor<0xindex>" : `dense<${list(axes)}> : tensor<${axes.length}xindex>`;
}

function stringLiteral(text: string): string {
  const escaped = text.replaceAll("\\", "\\5C").replaceAll('"', "\\22").replaceAll("\n", "\\0A");
  return `"${escaped}"`;
}

/** Empty lists are left out, as MLIR prints them. */
function attributes(values: Readonly<Record<string, number | readonly number[]>>): string {
  return Object.entries(values)
    .filter(([, value]) => typeof value === "number" || value.length > 0)
    .map(([name, value]) => `${name} = ${typeof value === "number" ? value : list(value)}`)
    .join(", ");
}
