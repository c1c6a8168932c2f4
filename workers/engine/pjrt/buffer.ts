// A tensor on the device.
import { EngineError } from "../errors.ts";
import { sizeOf } from "../graph.ts";
import type { TensorSpec } from "../types.ts";
import type { PjrtClient } from "./client.ts";
import { Event } from "./event.ts";
import { Handle } from "./handle.ts";
import { integers, intOf, pinned, slotsAt } from "./memory.ts";
import { elementTypes } from "./table.ts";

type Numbers = Float32Array | Int32Array;

export class PjrtBuffer {
  readonly #client: PjrtClient;
  readonly #handle: Handle;
  /** Programs and reads that need its memory. */
  #holders = 1;

  constructor(client: PjrtClient, address: bigint) {
    this.#client = client;
    this.#handle = new Handle(client.library, "Buffer_Destroy", address);
  }

  /** Copies the array, which is the caller's again at once. A mismatch would end the process, so it is checked here. */
  static upload(client: PjrtClient, { dtype, shape }: TensorSpec, array: Numbers): PjrtBuffer {
    const given = array instanceof Int32Array ? "int32" : "float32";
    if (given !== dtype || array.length !== sizeOf(shape)) {
      throw new EngineError(`${given}[${array.length}] cannot be uploaded as ${dtype}[${shape}]`);
    }
    const { buffer, done_with_host_buffer } = client.library.call("Client_BufferFromHostBuffer", {
      client: client.address,
      data: pinned(array),
      type: elementTypes[dtype],
      dims: integers(shape),
      num_dims: shape.length,
      device: client.device,
    });
    new Event(client.library, done_with_host_buffer, undefined).destroy();
    return new PjrtBuffer(client, buffer);
  }

  get address(): bigint {
    return this.#handle.address;
  }

  /** Whether someone else holds it too, so that its memory must not be given to a result. */
  get isShared(): boolean {
    return this.#holders > 1;
  }

  /** Whether its memory was given to a result. */
  get isDonated(): boolean {
    const { is_deleted } = this.#client.library.call("Buffer_IsDeleted", { buffer: this.address });
    return (is_deleted & 0xffn) !== 0n;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  /** The last one to let go destroys it. */
  release(): void {
    if (--this.#holders === 0) this.#handle.destroy();
  }

  /** @throws EngineError where the device holds another type or shape than is expected of it. */
  check(name: string, { dtype, shape }: TensorSpec): void {
    const { library } = this.#client;
    const type = intOf(library.call("Buffer_ElementType", { buffer: this.address }).type);
    const { dims, num_dims } = library.call("Buffer_Dimensions", { buffer: this.address });
    const actual = slotsAt(dims, Number(num_dims)).map(Number);
    if (type !== elementTypes[dtype] || actual.join() !== shape.join()) {
      const expected = `${dtype}[${shape}] (type ${elementTypes[dtype]})`;
      throw new EngineError(`"${name}" is [${actual}] of type ${type} on the device, expected ${expected}`);
    }
  }

  /** Starts a copy into `array` once the device has computed it; `array` is valid when the event has happened. */
  read<Target extends Numbers>(array: Target): Event<Target> {
    const { event } = this.#client.library.call("Buffer_ToHostBuffer", {
      src: this.address,
      dst: array,
      dst_size: array.byteLength,
    });
    return new Event(this.#client.library, event, array);
  }
}

/** Large enough not to lie on V8's heap, whatever its length. */
export function hostArray({ dtype, shape }: TensorSpec): Numbers {
  const length = sizeOf(shape);
  const memory = new ArrayBuffer(Math.max(8, 4 * length));
  return dtype === "int32" ? new Int32Array(memory, 0, length) : new Float32Array(memory, 0, length);
}
