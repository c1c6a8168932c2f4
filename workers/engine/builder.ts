// Records nodes. Operations that would only copy are left out as they come: tfjs's gradients are full of them.
import type { Attributes, Data, DType, Node, NodeOf, Primitive, Shape, Value } from "./graph.ts";
import { sizeOf } from "./graph.ts";
import { broadcastShapes, resultOf } from "./shapes.ts";

type Operands = readonly Value[];
/** Primitives that need nothing beside their inputs. */
export type Plain = {
  [P in Primitive]: Attributes[P] extends Readonly<Record<string, never>> ? P : never;
}[Primitive];

export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly #producers = new Map<number, Node>();
  #values = 0;

  input(shape: Shape, dtype: DType): Value {
    return { id: this.#values++, shape: [...shape], dtype };
  }

  /** Data of one repeated number are kept as that number. */
  constant(data: number | Data, shape: Shape = [], dtype: DType = "float32"): Value {
    const first = typeof data === "number" ? data : data[0];
    const isUniform = first !== undefined && (typeof data === "number" || data.every((x) => Object.is(x, first)));
    return this.#push("constant", [], { shape, dtype, data: isUniform ? first : data });
  }

  /** A primitive without attributes. */
  op(primitive: Plain, ...inputs: Operands): Value {
    return this.emit(primitive, inputs, {});
  }

  emit<P extends Primitive>(primitive: P, inputs: Operands, attributes: Attributes[P]): Value {
    const result = resultOf[primitive](inputs, attributes);
    const copied = this.#copied(primitive, inputs, attributes, result.shape);
    if (copied) return copied;
    if (spreading.has(primitive)) return this.#push(primitive, this.#unspread(inputs, result.shape), attributes);
    return this.#push(primitive, inputs, attributes);
  }

  #push<P extends Primitive>(primitive: P, inputs: Operands, attributes: Attributes[P]): Value {
    const { shape, dtype } = resultOf[primitive](inputs, attributes);
    const output: Value = { id: this.#values++, shape: [...shape], dtype };
    const node = { primitive, inputs, attributes, output } as unknown as Node;
    this.#producers.set(output.id, node);
    this.nodes.push(node);
    return output;
  }

  #producer<P extends Primitive>(value: Value | undefined, primitive: P): NodeOf<P> | undefined {
    const node = value && this.#producers.get(value.id);
    return node?.primitive === primitive ? (node as unknown as NodeOf<P>) : undefined;
  }

  /** The number that fills a constant tensor, if it is one. */
  #fill(value: Value | undefined): number | undefined {
    const data = this.#producer(value, "constant")?.attributes.data;
    return typeof data === "number" ? data : undefined;
  }

  /** The value that an operation would only copy, where it would. */
  #copied(primitive: Primitive, inputs: Operands, attributes: Attributes[Primitive], shape: Shape): Value | undefined {
    const [a, b] = inputs;
    if (!a) return undefined;
    const isSameShape = sameShape(a.shape, shape);
    switch (primitive) {
      case "reshape": {
        const fill = this.#fill(a);
        if (fill !== undefined) return this.constant(fill, shape, a.dtype);
        const source = this.#producer(a, "reshape")?.inputs[0];
        if (source) return this.emit("reshape", [source], { shape });
        return isSameShape ? a : undefined;
      }
      case "convert": {
        const { dtype } = attributes as Attributes["convert"];
        // Whatever lies between a truth value and its number: 0 and 1 survive.
        const source = this.#producer(a, "convert")?.inputs[0];
        if (source?.dtype === "bool") return this.emit("convert", [source], { dtype });
        return dtype === a.dtype ? a : undefined;
      }
      case "transpose":
        return (attributes as Attributes["transpose"]).permutation.every((axis, i) => axis === i) ? a : undefined;
      case "reduceSum":
      case "reduceMax":
      case "reduceMin":
        return (attributes as Attributes["reduceSum"]).axes.length === 0 ? a : undefined;
      case "concat":
        return inputs.length === 1 ? a : undefined;
      case "broadcast":
      case "slice":
      case "pad":
        return isSameShape ? a : undefined;
      case "mul":
        if (this.#fill(a) === 1) return this.#spread(b, shape);
        return this.#fill(b) === 1 ? this.#spread(a, shape) : undefined;
      case "div":
        return this.#fill(b) === 1 ? this.#spread(a, shape) : undefined;
      default:
        return undefined;
    }
  }

  #spread(value: Value | undefined, shape: Shape): Value | undefined {
    return value && this.emit("broadcast", [value], { shape });
  }

  /** Elementwise operands before they were broadcast, as far as the result keeps its shape without. */
  #unspread(inputs: Operands, shape: Shape): Operands {
    const narrowed = [...inputs];
    for (const [i, input] of inputs.entries()) {
      const source = this.#producer(input, "broadcast")?.inputs[0] ?? this.#scalar(input);
      if (!source) continue;
      const shapes = narrowed.map((other, j) => (i === j ? source : other).shape);
      if (sameShape(broadcastShapes(...shapes), shape)) narrowed[i] = source;
    }
    return narrowed;
  }

  #scalar(value: Value): Value | undefined {
    const fill = this.#fill(value);
    return fill === undefined || sizeOf(value.shape) === 1 ? undefined : this.constant(fill, [], value.dtype);
  }
}

/** Primitives whose operands broadcast against each other. */
const spreading: ReadonlySet<Primitive> = new Set<Primitive>([
  "add",
  "sub",
  "mul",
  "div",
  "max",
  "min",
  "pow",
  "less",
  "lessEqual",
  "equal",
  "and",
  "or",
  "select",
]);

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
