// The custom call by which a module brings a Triton kernel, read whole; the kernel's text goes to its own interpreter.
//
// XLA hands the kernel the operands and then the results, each as an array with the last axis contiguous.
import { matched, type Numbers, require, sizeOf, splitTop, type Type, typeOf } from "./interpreter.ts";
import { readKernel } from "./triton/interpreter.ts";

export interface Call {
  readonly operands: readonly string[];
  readonly operandTypes: readonly Type[];
  readonly resultTypes: readonly Type[];
  run(operands: readonly Numbers[]): Numbers[];
}

const string = '"((?:[^"\\\\]|\\\\[0-9A-F]{2})*)"';
const notation = new RegExp(
  [
    '^"stablehlo\\.custom_call"\\((?<operands>[^)]*)\\) <\\{api_version = 4 : i32, backend_config = \\{debug = false, ',
    "grid_x = (?<x>\\d+) : i32, grid_y = (?<y>\\d+) : i32, grid_z = (?<z>\\d+) : i32, ",
    "num_stages = [1-9]\\d* : i32, num_warps = (?:1|2|4|8|16) : i32, ",
    `ir = ${string.replace("(", "(?<ir>")}, name = "(?<name>\\w+)"\\}, call_target_name = "__gpu\\$xla\\.gpu\\.triton", `,
    "operand_layouts = \\[(?<given>.*)\\], result_layouts = \\[(?<returned>.*)\\]\\}> : ",
    "\\((?<types>.*)\\) -> (?:\\((?<several>.*)\\)|(?<one>\\S+))$",
  ].join(""),
);

export function customCall(text: string): Call {
  const {
    operands = "",
    x,
    y,
    z,
    ir = "",
    name = "",
    given,
    returned,
    ...types
  } = matched(notation, text).groups ?? {};
  const operandTypes = splitTop(types.types ?? "").map(typeOf);
  const resultTypes = splitTop(types.several ?? types.one ?? "").map(typeOf);
  for (const [written, list] of [
    [given, operandTypes],
    [returned, resultTypes],
  ] as const) {
    require(written === list.map(rowMajor).join(", "), `layouts ${written}`);
    require(list.every(({ element }) => element === "f32" || element === "bf16"), "a kernel works on floats");
  }
  const grid = [Number(x), Number(y), Number(z)] as const;
  const kernel = readKernel({ name, text: unescaped(ir), grid });
  return {
    operands: splitTop(operands),
    operandTypes,
    resultTypes,
    run(arrays) {
      const results = resultTypes.map(({ shape }) => new Float32Array(sizeOf(shape)).fill(Number.NaN));
      kernel([...(arrays as Float32Array[]), ...results]);
      return results;
    },
  };
}

function rowMajor({ shape }: Type): string {
  const axes = [...shape.keys()].reverse();
  return `dense<[${axes.join(", ")}]> : tensor<${axes.length}xindex>`;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
