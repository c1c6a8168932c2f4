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

/** q [P, B, T, H, K], k and v [P, B, T, G, K] -> [P, B, T, H, K]. */
export function composedAttention(
  q: tf.Tensor5D,
  k: tf.Tensor5D,
  v: tf.Tensor5D,
  { scale, left, right }: AttentionWindows,
): tf.Tensor5D {
  const [members, batch, length, heads] = q.shape;
  const kvHeads = k.shape[3];
  const hidden = tf.mul(tf.cast(tf.logicalNot(windowMask(length, left, right)), "float32"), -1e9); // [T, T]
  const blocks = blocksOf(length, left, right);

  // The query heads that share a key head are laid end to end along T, so keys and values need no copies.
  const queriesOf = (x: tf.Tensor5D, { start, queries }: Block): tf.Tensor5D => {
    const rows = tf.slice(x, [0, 0, 0, start, 0], [members, batch, heads, queries, x.shape[4]]);
    return tf.reshape(rows, [members, batch, kvHeads, (heads / kvHeads) * queries, x.shape[4]]);
  };
  const keysOf = (x: tf.Tensor5D, { firstKey, keys }: Block): tf.Tensor5D =>
    tf.slice(x, [0, 0, 0, firstKey, 0], [members, batch, kvHeads, keys, x.shape[4]]);
  const atKeys = (x: tf.Tensor5D, { firstKey, keys }: Block): tf.Tensor5D =>
    padAxis(x, 3, firstKey, length - firstKey - keys);
  const apart = (x: tf.Tensor5D, { queries }: Block): tf.Tensor5D =>
    tf.reshape(x, [members, batch, heads, queries, -1]);

  const probabilities = (q: tf.Tensor5D, k: tf.Tensor5D, block: Block): tf.Tensor5D => {
    const { start, queries, firstKey, keys } = block;
    const scores = apart(tf.matMul(queriesOf(q, block), keysOf(k, block), false, true), block);
    const p = tf.softmax(tf.add(scores, tf.slice(hidden, [start, firstKey], [queries, keys])));
    return tf.reshape(p, [members, batch, kvHeads, -1, keys]);
  };

  const attend = tf.customGrad((...given) => {
    const [q, k, v, save] = given as [tf.Tensor5D, tf.Tensor5D, tf.Tensor5D, tf.GradSaveFunc];
    const p = blocks.map((block) => probabilities(q, k, block)); // [P, B, G, H/G queries, keys] each
    const mixed = blocks.map((block, i) => apart(tf.matMul(p[i] as tf.Tensor5D, keysOf(v, block)), block));
    const y = tf.concat(mixed, 3); // [P, B, H, T, K]
    save([q, k, v, y, ...p]);

    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [q, k, v, y, ...p] = saved as [tf.Tensor5D, tf.Tensor5D, tf.Tensor5D, tf.Tensor5D, ...tf.Tensor5D[]];
      const delta: tf.Tensor5D = tf.sum(tf.mul(dy as tf.Tensor5D, y), -1, true); // [P, B, H, T, 1]
      const parts = blocks.map((block, i) => {
        const [dMixed, pBlock] = [queriesOf(dy as tf.Tensor5D, block), p[i] as tf.Tensor5D];
        const dp: tf.Tensor5D = tf.matMul(dMixed, keysOf(v, block), false, true);
        const dScores: tf.Tensor5D = tf.mul(pBlock, tf.sub(dp, queriesOf(delta, block)));
        const dq = apart(tf.matMul(dScores, keysOf(k, block)), block);
        const dk: tf.Tensor5D = tf.matMul(dScores, queriesOf(q, block), true, false);
        const dv: tf.Tensor5D = tf.matMul(pBlock, dMixed, true, false);
        return { dq, dk: atKeys(dk, block), dv: atKeys(dv, block) };
      });
      const dq = tf.concat(
        parts.map(({ dq }) => dq),
        3,
      );
      return [dq, parts.map(({ dk }) => dk).reduce(sum), parts.map(({ dv }) => dv).reduce(sum)];
    };
    return { value: y, gradFunc };
  });

  return byHead(attend(byHead(tf.mul(q, scale)), byHead(k), byHead(v)) as tf.Tensor5D);
}

function sum(a: tf.Tensor5D, b: tf.Tensor5D): tf.Tensor5D {
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

/** [P, B, T, H, K] -> [P, B, H, T, K], and back. */
function byHead(x: tf.Tensor5D): tf.Tensor5D {
  return tf.transpose(x, [0, 1, 3, 2, 4]);
}
