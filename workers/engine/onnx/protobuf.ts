// The part of the protobuf wire format that an ONNX file needs: varints, 32-bit floats and length-delimited fields.

const encoder = new TextEncoder();
const wire = { varint: 0, bytes: 2, float: 5 } as const;

/** Fields in the order in which they are written; `bytes` is the finished message. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  int(field: number, value: number): this {
    return this.#key(field, wire.varint).#varint(value);
  }

  float(field: number, value: number): this {
    return this.#key(field, wire.float).#push(new Uint8Array(Float32Array.of(value).buffer));
  }

  string(field: number, text: string): this {
    return this.raw(field, encoder.encode(text));
  }

  raw(field: number, bytes: Uint8Array): this {
    return this.#key(field, wire.bytes).#varint(bytes.length).#push(bytes);
  }

  message(field: number, message: Message): this {
    this.#key(field, wire.bytes).#varint(message.#length);
    for (const part of message.#parts) this.#push(part);
    return this;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  #key(field: number, type: number): this {
    return this.#varint(field * 8 + type);
  }

  /** Negative numbers are written as their 64-bit two's complement. */
  #varint(value: number): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#push(Uint8Array.from(bytes));
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}
