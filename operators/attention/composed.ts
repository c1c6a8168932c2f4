// Softmax attention in tfjs's operations: what `fusedAttention` computes, for engines that have no such kernel.
//
// Queries are taken in blocks, each with the keys that any of them sees, so most of the hidden scores are never made.
// The gradient is written out: d scores = p (dp - delta) with delta = dy . y per query (Dao et al. 2022,
// "FlashAttention", arXiv:2205.14135, section B.2), where tfjs's softmax would take two more passes over the scores.
import * as tf from "@tensorflow/tfjs";
import type { AttentionWindows } from "../fused.ts";
import { padAxis, windowMask } from "../parts.ts";

/** Blocks of queries: with causal attention four of them leave out 3/8 of the scores, eight would leave out 7/16. */
const blockCount = 4;

/** Queries from `start` on, and the keys that at least one of them sees. */
interface Block {
  readonly start: number;
  readonly queries: number;
  readonly firstKey: number;
  readonly keys: number;
}

/**
 * q [P, B, T, H, K], k and v [P, B, T, G, K] -> [P, B, T, H, K]. Inside, a head's channels lie along T, [K, T]: products
 * then have few rows instead of few columns, which is faster, and so are the transpositions.
 */
export function composedAttention(
  q: tf.Tensor5D,
  k: tf.Tensor5D,
  v: tf.Tensor5D,
  { scale, left, right }: AttentionWindows,
): tf.Tensor5D {
  const [members, batch, length, heads, width] = q.shape;
  const kvHeads = k.shape[3];
  const sharing = heads / kvHeads;
  const hidden = tf.mul(tf.cast(tf.logicalNot(windowMask(length, left, right)), "float32"), -1e9); // [T, T]
  const blocks = blocksOf(length, left, right);

  const queriesOf = (x: tf.Tensor4D, { start, queries }: Block) => columns(x, start, queries);
  const keysOf = (x: tf.Tensor4D, { firstKey, keys }: Block) => columns(x, firstKey, keys);
  const atKeys = (x: tf.Tensor4D, { firstKey, keys }: Block) => padAxis(x, 3, firstKey, length - firstKey - keys);
  /** [H/G, P B G, K, T] -> [1, P B G, K, T]: each key head has the gradients of all its query heads. */
  const overSharing = (x: tf.Tensor4D) => (sharing === 1 ? x : (tf.sum(x, 0, true) as tf.Tensor4D));

  const probabilities = (q: tf.Tensor4D, k: tf.Tensor4D, block: Block): tf.Tensor4D => {
    const { start, queries, firstKey, keys } = block;
    const scores = tf.matMul(queriesOf(q, block), keysOf(k, block), true, false);
    return tf.softmax(tf.add(scores, tf.slice(hidden, [start, firstKey], [queries, keys])));
  };

  const attend = tf.customGrad((...given) => {
    const [q, k, v, save] = given as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    const p = blocks.map((block) => probabilities(q, k, block)); // [H/G, P B G, queries, keys] each
    const mixed = blocks.map((block, i) => tf.matMul(keysOf(v, block), p[i] as tf.Tensor4D, false, true));
    const y = tf.concat(mixed, 3); // [H/G, P B G, K, T]
    save([q, k, v, y, ...p]);

    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [q, k, v, y, ...p] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, ...tf.Tensor4D[]];
      // dp - delta as one product: delta is a channel more, which meets a value of 1.
      const delta: tf.Tensor4D = tf.sum(tf.mul(dy as tf.Tensor4D, y), 2, true); // [H/G, P B G, 1, T]
      const dyAndDelta: tf.Tensor4D = tf.concat([dy as tf.Tensor4D, tf.neg(delta)], 2); // [H/G, P B G, K + 1, T]
      const vAndOne: tf.Tensor4D = tf.concat([v, tf.ones([1, v.shape[1], 1, length])], 2);
      const parts = blocks.map((block, i) => {
        const [dMixed, pBlock] = [queriesOf(dy as tf.Tensor4D, block), p[i] as tf.Tensor4D];
        const steepness = tf.matMul(queriesOf(dyAndDelta, block), keysOf(vAndOne, block), true, false);
        const dScores: tf.Tensor4D = tf.mul(pBlock, steepness);
        const dq: tf.Tensor4D = tf.matMul(keysOf(k, block), dScores, false, true);
        const dk: tf.Tensor4D = tf.matMul(queriesOf(q, block), dScores);
        const dv: tf.Tensor4D = tf.matMul(dMixed, pBlock);
        return { dq, dk: atKeys(dk, block), dv: atKeys(dv, block) };
      });
      const dq = tf.concat(
        parts.map(({ dq }) => dq),
        3,
      );
      const dk = parts.map(({ dk }) => dk).reduce(sum);
      const dv = parts.map(({ dv }) => dv).reduce(sum);
      return [dq, overSharing(dk), overSharing(dv)];
    };
    return { value: y, gradFunc };
  });

  // The axis of query heads that share a key head comes first: tfjs spreads a product's operands over no other.
  const alongTime = (x: tf.Tensor5D, sharing: number): tf.Tensor4D => {
    const rows = tf.transpose(x, [0, 1, 3, 4, 2]); // [P, B, G S, K, T]
    if (sharing === 1) return tf.reshape(rows, [1, -1, width, length]);
    return tf.transpose(tf.reshape(rows, [-1, sharing, width, length]), [1, 0, 2, 3]);
  };
  const y = attend(alongTime(tf.mul(q, scale), sharing), alongTime(k, 1), alongTime(v, 1)) as tf.Tensor4D;
  const byHead = sharing === 1 ? y : tf.transpose(y, [1, 0, 2, 3]);
  return tf.transpose(tf.reshape(byHead, [members, batch, heads, width, length]), [0, 1, 4, 2, 3]) as tf.Tensor5D;
}

/** [..., T] -> [..., size] from column `start` on. */
function columns(x: tf.Tensor4D, start: number, size: number): tf.Tensor4D {
  return tf.slice(x, [0, 0, 0, start], [...x.shape.slice(0, 3), size] as [number, number, number, number]);
}

function sum(a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor4D {
  return tf.add(a, b);
}

/** Consecutive blocks of equal size, the last one shorter; one block where every query sees the same keys. */
function blocksOf(length: number, left: number, right: number): Block[] {
  const seesAll = left >= length - 1 && right >= length - 1;
  const size = seesAll ? length : Math.ceil(length / blockCount);
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => {
    const start = i * size;
    const queries = Math.min(size, length - start);
    const firstKey = Math.max(0, start - left);
    const keys = Math.min(length, start + queries + right) - firstKey;
    return { start, queries, firstKey, keys };
  });
}
