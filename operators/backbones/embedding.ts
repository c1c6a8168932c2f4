// Token embedding.
import * as tf from "@tensorflow/tfjs";

/** Above it a matrix of ones and zeros, tokens by vocabulary, is too large; below, it is faster, forward and backward. */
const largestOneHot = 512;

/** table [P, V, D], tokens [P, B, T] int32 -> [P, B, T, D]. */
export function embed(table: tf.Tensor, tokens: tf.Tensor3D): tf.Tensor4D {
  const [members, batch, length] = tokens.shape;
  const [, vocabulary = 0, width = 0] = table.shape;
  const rows =
    vocabulary <= largestOneHot
      ? byOneHot(tf.reshape(table, [members, vocabulary, width]), tokens)
      : byGather(tf.reshape(table, [members * vocabulary, width]), tokens, vocabulary);
  return tf.reshape(rows, [members, batch, length, width]);
}

/** table [P, V, D] -> [P, B*T, D]. */
function byOneHot(table: tf.Tensor3D, tokens: tf.Tensor3D): tf.Tensor {
  const [members, vocabulary] = table.shape;
  const ids: tf.Tensor2D = tf.reshape(tokens, [members, -1]);
  return tf.matMul(tf.cast(tf.oneHot(ids, vocabulary), "float32"), table);
}

/** table [P*V, D] -> [P*B*T, D]: the members' tables lie one below the other. */
function byGather(table: tf.Tensor2D, tokens: tf.Tensor3D, vocabulary: number): tf.Tensor {
  const [members] = tokens.shape;
  const firstRow = tf.mul(tf.range(0, members, 1, "int32"), tf.scalar(vocabulary, "int32"));
  const rows = tf.add(tokens, tf.reshape(firstRow, [members, 1, 1]));
  return tf.gather(table, tf.reshape(rows, [-1]) as tf.Tensor1D);
}
