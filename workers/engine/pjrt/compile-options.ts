// XLA's CompileOptionsProto, as far as one program on one device needs it.
//
// Field numbers: openxla/xla, xla/pjrt/proto/compile_options.proto.
import { Message } from "../onnx/protobuf.ts";

/** XLA's own flags for one compilation, e.g. { xla_gpu_autotune_level: 0 }. */
export type XlaFlags = Readonly<Record<string, string | number | boolean>>;

const options = { build: 3, overrides: 7 } as const;
const build = { deviceOrdinal: 1, replicas: 4, partitions: 5 } as const;
const mapEntry = { key: 1, value: 2 } as const;
const override = { string: 1, bool: 2, int: 3 } as const;

export function compileOptions(flags: XlaFlags = {}): Uint8Array {
  const message = new Message().message(
    options.build,
    new Message().int(build.deviceOrdinal, -1).int(build.replicas, 1).int(build.partitions, 1),
  );
  for (const [name, value] of Object.entries(flags)) {
    const entry = new Message().string(mapEntry.key, name).message(mapEntry.value, overrideOf(value));
    message.message(options.overrides, entry);
  }
  return message.bytes();
}

/** Fractions are written out: XLA parses the text of any kind of flag. */
function overrideOf(value: string | number | boolean): Message {
  if (typeof value === "boolean") return new Message().int(override.bool, value ? 1 : 0);
  if (Number.isInteger(value)) return new Message().int(override.int, Number(value));
  return new Message().string(override.string, String(value));
}
