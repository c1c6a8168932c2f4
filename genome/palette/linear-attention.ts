// Linear attention: softmax replaced by a product of feature maps, so that keys and values fold into one matrix.
//
// Katharopoulos et al. 2020, arXiv:2006.16236. The maps are mad-lab's; `taylor` with featureDim 16 is Based's
// (Arora et al. 2024, arXiv:2402.18668).
import { dense } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

export type LinearAttentionOptions = {
  readonly heads: number;
  readonly featureMap: FeatureMapName;
  /** Width K of each head's queries and keys before the feature map; 0 means the head's width D / H. */
  readonly featureDim: number;
};

interface FeatureMap {
  /** Features made from K numbers. */
  features(width: number): number;
  /** Trainable numbers of one map; queries and keys have one each, shared by the heads. */
  parameters(width: number): number;
  flops(width: number): number;
}

const affine = (width: number) => width * width + width;

export const featureMaps = {
  "elementwise-product": {
    features: (k) => k,
    parameters: (k) => 2 * affine(k),
    flops: (k) => 2 * dense(k, k) + k,
  },
  elu: { features: (k) => k, parameters: () => 0, flops: () => 0 },
  relu: { features: (k) => k, parameters: () => 0, flops: () => 0 },
  /** 1, x and every distinct product of two: phi(q) . phi(k) = 1 + s + s^2 / 2. */
  taylor: { features: (k) => 1 + k + (k * (k + 1)) / 2, parameters: () => 0, flops: (k) => k + k * (k + 1) },
  hedgehog: { features: (k) => 2 * k, parameters: affine, flops: (k) => dense(k, k) },
  t2r: { features: (k) => k, parameters: affine, flops: (k) => dense(k, k) },
  /** Products of [relu(x), -relu(x)] with itself rolled by 1 to 4. */
  dpfp: { features: (k) => 8 * k, parameters: () => 0, flops: (k) => 8 * k },
  identity: { features: (k) => k, parameters: () => 0, flops: () => 0 },
} satisfies Record<string, FeatureMap>;

export type FeatureMapName = keyof typeof featureMaps;

export const linearAttention: PaletteEntry<LinearAttentionOptions> = {
  liv: 19,
  title: "Linear attention",
  mixes: "sequence",
  paper: {
    title: "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention",
    arxiv: "2006.16236",
  },
  options: {
    heads: [1, 2, 4, 8, 16],
    featureMap: Object.keys(featureMaps) as FeatureMapName[],
    featureDim: [0, 4, 8, 16],
  },
  defaults: { heads: 16, featureMap: "elementwise-product", featureDim: 0 },

  conflict({ heads }, { width }) {
    return width % heads === 0 ? null : `heads ${heads} does not divide width ${width}`;
  },

  readout: { module: "out_proj", parameters: (_, { width }) => width * width },

  parameters(options, { width }) {
    const keys = options.heads * keyWidth(options, width);
    return 2 * width * keys + 2 * width * width + 2 * map(options).parameters(keyWidth(options, width));
  },

  /** Per head the sum of phi(k) v^T and the sum of phi(k). */
  stateElements(options, { width }) {
    const features = map(options).features(keyWidth(options, width));
    return options.heads * (features * (width / options.heads) + features);
  },

  /** Recurrent form: update and read the state (2 F V each), update and read the normaliser (F and 2 F), divide (V). */
  flopsPerToken(options, { width }) {
    const { heads } = options;
    const keys = keyWidth(options, width);
    const values = width / heads;
    const features = map(options).features(keys);
    const head = 2 * map(options).flops(keys) + 4 * features * values + 3 * features + values;
    return dense(width, 2 * heads * keys + width) + heads * head + dense(width, width);
  },
};

function map({ featureMap }: LinearAttentionOptions): FeatureMap {
  return featureMaps[featureMap];
}

function keyWidth({ heads, featureDim }: LinearAttentionOptions, width: number): number {
  return featureDim || width / heads;
}
