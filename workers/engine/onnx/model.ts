// Writes ONNX: graphs of named nodes, loops with a body, and the model file around them.
//
// Field numbers from onnx.proto (IR version 9). Names are short and nodes have none: a step has hundreds of both.
import type { DType, Shape } from "../graph.ts";
import { Message } from "./protobuf.ts";

export const opset = 18;
const irVersion = 9;

type ElementType = DType | "int64";
export const elementTypes: Readonly<Record<ElementType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };
const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const;

/** A tensor's axis may be a name: it is then any size. */
type Dimensions = readonly (number | string)[];
type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly tensor: Message }
  | OnnxGraph;
export interface OpOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly outputs?: readonly string[];
  /** "com.microsoft" for onnxruntime's own operations. */
  readonly domain?: string;
}

export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  readonly #tensors = new Map<string, string>();
  /** Shared with the bodies inside, which see this graph's names and may not use them again. */
  readonly #names: { next: number };

  constructor(outer?: OnnxGraph) {
    this.#names = outer ? outer.#names : { next: 0 };
  }

  freshName(): string {
    return `v${this.#names.next++}`;
  }

  /** Appends a node and returns the name of its first output. */
  op(type: string, inputs: readonly string[], { attributes = {}, outputs, domain }: OpOptions = {}): string {
    const [name = this.freshName(), ...more] = outputs ?? [];
    const node = new Message();
    for (const input of inputs) node.string(1, input);
    for (const output of [name, ...more]) node.string(2, output);
    node.string(4, type);
    for (const [key, value] of Object.entries(attributes)) node.message(5, attributeMessage(key, value));
    if (domain) node.string(7, domain);
    this.#nodes.push(node);
    return name;
  }

  /** A constant; small equal ones are written once. */
  tensor(type: ElementType, shape: Shape, values: ArrayBufferView): string {
    const key =
      values.byteLength <= 65_536 ? `${type} ${shape} ${Buffer.from(bytesOf(values)).toString("base64")}` : "";
    const known = this.#tensors.get(key);
    if (known) return known;
    const name = this.freshName();
    this.#initializers.push(tensorMessage(type, shape, values).string(8, name));
    if (key) this.#tensors.set(key, name);
    return name;
  }

  /** A tensor of one repeated value, made when the model is loaded. */
  filled(type: ElementType, shape: Shape, value: ArrayBufferView): string {
    const key = `filled ${type} ${shape} ${Buffer.from(bytesOf(value)).toString("base64")}`;
    const known = this.#tensors.get(key);
    if (known) return known;
    const attributes = { value: { tensor: tensorMessage(type, [1], value) } };
    const name = this.op("ConstantOfShape", [this.integers(shape)], { attributes });
    this.#tensors.set(key, name);
    return name;
  }

  /** Axes, shapes, offsets: int64 [n]. */
  integers(values: readonly number[]): string {
    return this.tensor("int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  scalar(value: number): string {
    return this.tensor("float32", [], Float32Array.of(value));
  }

  input(name: string, type: ElementType, shape: Dimensions): string {
    this.#inputs.push(valueMessage(name, type, shape));
    return name;
  }

  output(name: string, type: ElementType, shape: Dimensions): void {
    this.#outputs.push(valueMessage(name, type, shape));
  }

  message(): Message {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.string(2, "step");
    for (const tensor of this.#initializers) graph.message(5, tensor);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    return graph;
  }

  get nodeCount(): number {
    return this.#nodes.length;
  }
}

/** The bytes of an .onnx file. */
export function modelFile(graph: OnnxGraph): Uint8Array {
  const domains = [new Message().string(1, "").int(2, opset), new Message().string(1, "com.microsoft").int(2, 1)];
  const model = new Message().int(1, irVersion).string(2, "starling").message(7, graph.message());
  for (const domain of domains) model.message(8, domain);
  return model.bytes();
}

function tensorMessage(type: ElementType, shape: Shape, values: ArrayBufferView): Message {
  const tensor = new Message();
  for (const size of shape) tensor.int(1, size);
  return tensor.int(2, elementTypes[type]).raw(9, bytesOf(values));
}

function valueMessage(name: string, type: ElementType, shape: Dimensions): Message {
  const dimensions = new Message();
  for (const size of shape) {
    dimensions.message(1, typeof size === "string" ? new Message().string(2, size) : new Message().int(1, size));
  }
  const tensorType = new Message().int(1, elementTypes[type]).message(2, dimensions);
  return new Message().string(1, name).message(2, new Message().message(1, tensorType));
}

function attributeMessage(name: string, value: Attribute): Message {
  const attribute = new Message().string(1, name);
  if (typeof value === "number") return attribute.int(3, value).int(20, attributeTypes.int);
  if (typeof value === "string") return attribute.string(4, value).int(20, attributeTypes.string);
  if (value instanceof OnnxGraph) return attribute.message(6, value.message()).int(20, attributeTypes.graph);
  if ("float" in value) return attribute.float(2, value.float).int(20, attributeTypes.float);
  if ("tensor" in value) return attribute.message(5, value.tensor).int(20, attributeTypes.tensor);
  for (const item of value) attribute.int(8, item);
  return attribute.int(20, attributeTypes.ints);
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
