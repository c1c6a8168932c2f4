// Published Hyena operators, by system name.
import * as tf from "@tensorflow/tfjs";
import { implicitFilter, type Modulation, publishedModulation } from "../implicit-filter.ts";
import { causalConvolution, withSkip } from "../long-convolution.ts";
import { project, shortConvolution, weight, within } from "../parts.ts";
import { type CaseConfig, type ReferenceAdapters, readNumber, UnsupportedCase } from "../reference-case.ts";
import type { Weights } from "../types.ts";
import { gatedConvolution, hyena, projections } from "./index.ts";
import { transferFunctionFilter } from "./transfer-function.ts";

export const hyenaReferences: ReferenceAdapters = {
  hyena(config) {
    requireOrderTwo(config);
    const options = {
      filterOrder: readNumber(config, "filter_order"),
      innerFactor: readNumber(config, "inner_factor"),
      projectionGroups: readNumber(config, "proj_groups", 4),
      shortFilter: readNumber(config, "short_filter_order", 3),
    };
    const context = { width: readNumber(config, "D"), length: readNumber(config, "max_length") };
    return (weights, x) => ({ y: hyena.apply(weights, beginning(x, context.length), options, context) });
  },

  /** `num_heads` is the size H of the outer products; there are D / H filters. */
  "mh-hyena"(config) {
    requireOrderTwo(config);
    const size = readNumber(config, "num_heads");
    const longest = readNumber(config, "max_length");
    return (weights, x) => ({ y: multiHead(weights, beginning(x, longest), size) });
  },

  /** The filter is a transfer function instead of a network. */
  "hyena-rtf"(config) {
    requireOrderTwo(config);
    const longest = readNumber(config, "max_length");
    return (weights, x) => ({ y: withTransferFunction(weights, beginning(x, longest), longest) });
  },

  /** A router weighs what every expert's channels give; experts that are not chosen have score 0, not minus infinity. */
  "hyena-experts"(config) {
    requireOrderTwo(config);
    const experts = readNumber(config, "num_experts");
    const active = readNumber(config, "active_experts");
    const longest = readNumber(config, "max_length");
    return (weights, x) => ({ y: mixtureOfExperts(weights, beginning(x, longest), experts, active) });
  },

  /** The original of any order, standalone. */
  "hyena-reference"(config) {
    const order = readNumber(config, "order");
    const longest = readNumber(config, "l_max");
    const modulation = readModulation(config);
    return (weights, x) => ({ y: recurrence(weights, beginning(x, longest), order, modulation) });
  },
};

/** mad-lab accepts other orders and then fails on them. */
function requireOrderTwo(config: CaseConfig): void {
  const order = readNumber(config, "order", 2);
  if (order !== 2) throw new UnsupportedCase(`Option "order" is ${order}; mad-lab's Hyena runs with order 2 only.`);
}

/** As published, tokens after the longest length are dropped, and y is that much shorter. */
function beginning(x: tf.Tensor, longest: number): tf.Tensor4D {
  const [members = 1, batch = 1, length = 1, width = 1] = x.shape;
  return tf.slice(x as tf.Tensor4D, 0, [members, batch, Math.min(length, longest), width]);
}

/** gate x1, outer products of v and x2, one filter per group of H channels, contraction with x1. */
function multiHead(weights: Weights, x: tf.Tensor4D, size: number): tf.Tensor4D {
  const u = projections(weights, x);
  const [members, batch, length, channels] = u.shape;
  const inner = channels / 3;
  const groups = inner / size;
  const [x1, x2, v] = tf.split(u, 3, -1).map((part) => tf.reshape(part, [members, batch * length, groups, size])) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];

  const products = tf.mul(tf.expandDims(v, 4), tf.expandDims(x2, 3)); // [P, B*T, G, H, H]
  const apart: tf.Tensor5D = tf.reshape(products, [members, batch, length, groups, size * size]);
  const signals: tf.Tensor4D = tf.reshape(tf.transpose(apart, [0, 1, 4, 2, 3]), [members, -1, length, groups]);
  const filter = implicitFilter(within(weights, "long_conv.filter"), length);
  const convolved = causalConvolution(withSkip(filter, weight(weights, "long_conv.bias")), signals);

  const back: tf.Tensor5D = tf.reshape(convolved, [members, batch, size * size, length, groups]);
  const o = tf.reshape(tf.transpose(back, [0, 1, 3, 4, 2]), [members, batch * length, groups, size, size]);
  const y = tf.sum(tf.mul(tf.expandDims(x1, 4), o), 3); // [P, B*T, G, H]
  return project(tf.reshape(y, [members, batch, length, inner]), weights, "out_proj");
}

function withTransferFunction(weights: Weights, x: tf.Tensor4D, longest: number): tf.Tensor4D {
  const own = within(weights, "long_conv.filter");
  const filter = withSkip(transferFunctionFilter(own, longest, x.shape[2]), weight(own, "h_0"));
  return project(gatedConvolution(weights, x, filter), weights, "out_proj");
}

function mixtureOfExperts(weights: Weights, x: tf.Tensor4D, experts: number, active: number): tf.Tensor4D {
  const [members, batch, length, width] = x.shape;
  const all = gatedConvolution(weights, x, implicitFilter(within(weights, "long_conv.filter"), length));
  const byExpert: tf.Tensor5D = tf.reshape(all, [members, batch, length, width / experts, experts]);

  const scores = project(x, weights, "router"); // [P, B, T, E]
  const shares = tf.softmax(tf.mul(scores, chosen(scores, active)));
  const y = tf.sum<tf.Tensor4D>(tf.mul(byExpert, tf.reshape(shares, [members, batch, length, 1, experts])), -1);
  return project(y, weights, "out_proj");
}

/** 1 where fewer than `active` scores are larger, else 0: ties keep more. [..., E]. */
function chosen(scores: tf.Tensor4D, active: number): tf.Tensor4D {
  const [members, batch, length, experts] = scores.shape;
  const one: tf.Tensor5D = tf.reshape(scores, [members, batch, length, experts, 1]);
  const others: tf.Tensor5D = tf.reshape(scores, [members, batch, length, 1, experts]);
  const larger = tf.sum(tf.cast(tf.greater(others, one), "float32"), -1) as tf.Tensor4D;
  return tf.cast(tf.less(larger, active), "float32");
}

/** v <- h_o conv (x_i v) + skip_o (x_i v) for the gates x_1 ... x_{order-1} from the last, then W (x_0 v). */
function recurrence(weights: Weights, x: tf.Tensor4D, order: number, modulation: Modulation): tf.Tensor4D {
  const [, , length, width] = x.shape;
  const short = within(weights, "short_filter");
  const u = shortConvolution(project(x, weights, "in_proj"), weight(short, "weight"), weight(short, "bias"));
  const [x0, ...rest] = tf.split(u, order + 1, -1) as [tf.Tensor4D, ...tf.Tensor4D[]];
  const gates = rest.slice(0, -1).toReversed();
  let v = rest.at(-1) as tf.Tensor4D;

  const filter = implicitFilter(within(weights, "filter_fn"), length, { modulation });
  const filters = withSkip(filter, weight(weights, "filter_fn.bias")); // [P, (order-1) D, T]
  for (const [step, gate] of gates.entries()) {
    const own = tf.slice(filters, [0, step * width, 0], [filters.shape[0], width, length]);
    v = causalConvolution(own, tf.mul(v, gate));
  }
  return project(tf.mul(v, x0), weights, "out_proj");
}

function readModulation(config: CaseConfig): Modulation {
  const given = (config.modulation ?? {}) as CaseConfig;
  return {
    fast: readNumber(given, "fast_decay_pct", publishedModulation.fast),
    slow: readNumber(given, "slow_decay_pct", publishedModulation.slow),
    target: readNumber(given, "target", publishedModulation.target),
    shift: readNumber(given, "shift", publishedModulation.shift),
  };
}
