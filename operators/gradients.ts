// Mends gradients of tfjs 4.22, at import, for eager runs and traces alike.
//
// tfjs's own are wrong (Cumsum, Tile above rank 4, broadcast BatchMatMul, Maximum, Minimum and SquaredDifference),
// missing (the comparisons; Unpack and SplitV into one piece), or costly in a compiled program (Sum and Mean multiply
// by a tensor of ones of the input's size, Tile unrolls into one slice per repetition, Rsqrt raises to a power).
import * as tf from "@tensorflow/tfjs";

type Gradient = Omit<tf.GradConfig, "kernelName">;

const gradients: Readonly<Record<string, Gradient>> = {
  /** tfjs transposes its result off the last axis although nothing was permuted: silently wrong where sizes are equal. */
  Cumsum: {
    inputsToSave: ["x"],
    gradFunc: (dy, _saved, attributes) => {
      const { axis, exclusive, reverse } = attributes as unknown as tf.CumsumAttrs;
      return { x: () => tf.cumsum(single(dy), axis, exclusive, !reverse) };
    },
  },

  Sum: {
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attributes) => ({ x: () => spread(single(dy), given(x), reducedAxes(attributes, given(x))) }),
  },

  Mean: {
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attributes) => {
      const axes = reducedAxes(attributes, given(x));
      const count = axes.reduce((product, axis) => product * (given(x).shape[axis] ?? 1), 1);
      return { x: () => spread(tf.mul(single(dy), 1 / count), given(x), axes) };
    },
  },

  /** -y^3 / 2. */
  Rsqrt: {
    inputsToSave: [],
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => tf.mul(tf.mul(single(dy), -0.5), tf.mul(tf.square(given(y)), given(y))) }),
  },

  Tile: {
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attributes) => ({
      x: () => sumRepetitions(single(dy), given(x).shape, (attributes as unknown as tf.TileAttrs).reps),
    }),
  },

  /** tfjs's own expect a list where a tensor is taken apart into one piece. */
  Unpack: {
    gradFunc: (dy, _saved, attributes) => {
      const { axis } = attributes as unknown as tf.UnpackAttrs;
      return { value: () => tf.stack(pieces(dy), axis < 0 ? axis + single(dy).rank + 1 : axis) };
    },
  },
  SplitV: {
    gradFunc: (dy, _saved, attributes) => ({
      x: () => tf.concat(pieces(dy), (attributes as unknown as tf.SplitVAttrs).axis),
    }),
  },

  /** Batch axes may broadcast: a gradient is summed back to the shape of its input. */
  BatchMatMul: {
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b], attributes) => {
      const { transposeA, transposeB } = attributes as unknown as tf.BatchMatMulAttrs;
      const d = single(dy);
      const da = () =>
        transposeA ? tf.matMul(given(b), d, transposeB, true) : tf.matMul(d, given(b), false, !transposeB);
      const db = () =>
        transposeB ? tf.matMul(d, given(a), true, transposeA) : tf.matMul(given(a), d, !transposeA, false);
      return { a: () => sumTo(da(), given(a).shape), b: () => sumTo(db(), given(b).shape) };
    },
  },

  Maximum: pairwise((dy, a, b) => [masked(dy, tf.greaterEqual(a, b)), masked(dy, tf.less(a, b))]),
  Minimum: pairwise((dy, a, b) => [masked(dy, tf.lessEqual(a, b)), masked(dy, tf.greater(a, b))]),
  SquaredDifference: pairwise((dy, a, b) => {
    const da = tf.mul(dy, tf.mul(tf.sub(a, b), 2));
    return [da, tf.neg(da)];
  }),

  Greater: stepFunction("a", "b"),
  Less: stepFunction("a", "b"),
  LessEqual: stepFunction("a", "b"),
  Equal: stepFunction("a", "b"),
  NotEqual: stepFunction("a", "b"),
  LogicalAnd: stepFunction("a", "b"),
  LogicalOr: stepFunction("a", "b"),
  LogicalNot: stepFunction("x"),
};

for (const [kernelName, gradient] of Object.entries(gradients)) {
  if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
  tf.registerGradient({ kernelName, ...gradient });
}

/** A kernel whose output does not change with its inputs, as far as gradients go: zero instead of an error. */
function stepFunction(...inputs: string[]): Gradient {
  return {
    inputsToSave: inputs,
    gradFunc: (_dy, saved) =>
      Object.fromEntries(inputs.map((input, i) => [input, () => tf.zeros(given(saved[i]).shape, "float32")])),
  };
}

/** A kernel of two inputs that broadcast against each other. */
function pairwise(both: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => [tf.Tensor, tf.Tensor]): Gradient {
  return {
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => ({
      a: () => sumTo(both(single(dy), given(a), given(b))[0], given(a).shape),
      b: () => sumTo(both(single(dy), given(a), given(b))[1], given(b).shape),
    }),
  };
}

/** Undoes a reduction: dy, with or without the reduced axes, broadcast to the shape of x. */
function spread(dy: tf.Tensor, x: tf.Tensor, axes: readonly number[]): tf.Tensor {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return tf.broadcastTo(tf.reshape(dy, kept), x.shape as tf.ShapeMap[tf.Rank]);
}

/** Sums away the axes along which a tensor of `shape` was broadcast. */
function sumTo(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const added = dy.rank - shape.length;
  const axes = dy.shape.map((_, axis) => axis).filter((axis) => axis < added || shape[axis - added] !== dy.shape[axis]);
  return axes.length === 0 ? dy : tf.reshape(tf.sum(dy, axes), [...shape]);
}

/** [r*n] is seen as [r, n] on each repeated axis, and summed over r. */
function sumRepetitions(dy: tf.Tensor, shape: readonly number[], repetitions: readonly number[]): tf.Tensor {
  const apart: number[] = [];
  const repeated: number[] = [];
  for (const [axis, size] of shape.entries()) {
    const times = repetitions[axis] ?? 1;
    if (times > 1) repeated.push(apart.push(times) - 1);
    if (times === 1 || size > 1) apart.push(size);
  }
  return tf.reshape(tf.sum(tf.reshape(dy, apart), repeated), [...shape]);
}

function masked(dy: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  return tf.mul(dy, tf.cast(mask, "float32"));
}

function reducedAxes(attributes: tf.NamedAttrMap, x: tf.Tensor): number[] {
  return tf.util.parseAxisParam((attributes as unknown as tf.SumAttrs).axis as number | number[], x.shape);
}

function single(dy: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return Array.isArray(dy) ? given(dy[0]) : dy;
}

function pieces(dy: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(dy) ? dy : [dy];
}

function given(tensor: tf.Tensor | undefined): tf.Tensor {
  if (!tensor) throw new Error("tfjs did not save the tensor that this gradient needs");
  return tensor;
}
