// The palette's parameter formulas against the published modules' own weights, at the small sizes of the records.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type OperatorName, type Options, paletteEntry, resolveOptions } from "../../genome/index.ts";
import { describeWith, referenceFolder } from "../require.ts";

type Config = Readonly<Record<string, number>>;

/** How a record's config reads as options of our operator. */
const systems: Record<string, [OperatorName, (config: Config) => Options]> = {
  "mh-attention": ["attention", (config) => ({ heads: config.n_heads! })],
  "sliding-attention": ["sliding-attention", (config) => ({ heads: config.n_heads! })],
  "based-linear-attention": [
    "linear-attention",
    (config) => ({ heads: config.num_heads!, featureMap: "taylor", featureDim: config.feature_dim! }),
  ],
  hyena: [
    "hyena",
    (config) => ({
      filterOrder: config.filter_order!,
      innerFactor: config.inner_factor!,
      projectionGroups: config.proj_groups!,
      shortFilter: config.short_filter_order!,
    }),
  ],
  mamba: ["mamba", (config) => ({ stateSize: config.d_state!, convolution: config.d_conv!, expand: config.expand! })],
  "s4d-block": ["s4d", (config) => ({ stateSize: config.d_state! })],
  "monarch-mixer-sequence": [
    "monarch-mixer",
    (config) => ({ filterOrder: config.filter_order!, residual: Boolean(config.residual_long_conv) }),
  ],
  swiglu: ["swiglu", () => ({})],
  mlp: ["mlp", () => ({})],
};
for (const featureMap of ["elementwise-product", "elu", "relu", "taylor", "hedgehog", "t2r", "dpfp", "identity"]) {
  systems[`linear-attention-${featureMap}`] = [
    "linear-attention",
    (config) => ({ heads: config.num_heads!, featureMap }),
  ];
}

describeWith("reference", "parameter formulas", () => {
  test.each(Object.entries(systems))("%s: the palette counts the published weights", (system, [name, optionsOf]) => {
    const records = readRecords(system).filter(({ config }) => isOurForm(system, config));
    expect(records.length).toBeGreaterThan(0);
    for (const { config, weights } of records) {
      const shape = { width: config.D!, length: config.max_length ?? config.l_max ?? config.T! };
      expect(paletteEntry(name).parameters(resolveOptions(name, optionsOf(config)), shape)).toBe(weights);
    }
  });
});

/** Records show more forms than the palette has: two-way mixers, biases in the MLP, value heads of another width. */
function isOurForm(system: string, config: Config): boolean {
  if (config.bidirectional) return false;
  if (system === "mlp" && config.bias) return false;
  return config.head_dim === undefined || config.head_dim === config.D! / config.num_heads!;
}

function readRecords(system: string): { config: Config; weights: number }[] {
  const index = JSON.parse(readFileSync(`${referenceFolder}/index.json`, "utf8"));
  const cases: { json: string; tensors: string }[] = index.areas.operators[system].cases;
  return cases.map(({ json, tensors }) => ({
    config: JSON.parse(readFileSync(`${referenceFolder}/${json}`, "utf8")).config,
    weights: countWeights(`${referenceFolder}/${tensors}`),
  }));
}

/** Numbers in the tensors `param.*` of a safetensors file, from its header. */
function countWeights(path: string): number {
  const bytes = readFileSync(path);
  const header: Record<string, { shape: number[] }> = JSON.parse(
    bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString(),
  );
  return Object.entries(header)
    .filter(([name]) => name.startsWith("param."))
    .reduce((total, [, { shape }]) => total + shape.reduce((product, size) => product * size, 1), 0);
}
