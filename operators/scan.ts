// Linear recurrence along T in parallel: h_t = decay_t h_{t-1} + input_t, h_0 = 0, elementwise.
//
// Blelloch 1990, "Prefix sums and their applications", with groups of eight: scan inside the groups, scan the group
// totals by the same rule, add what came before. It only multiplies decays, never divides by them, so decays in [0, 1]
// neither overflow nor lose the present at any T. The gradient is the same recurrence run backwards, so only decay and
// h are kept for it.
import * as tf from "@tensorflow/tfjs";
import "./gradients.ts";
import { fusedRecurrence, hasKernel } from "./fused.ts";
import { padAxis, shiftRight } from "./parts.ts";

/** Steps per group. Measured forward and backward on onnxruntime's CPU provider: 2 costs 1.2-1.5 times as much, 16 no less. */
const groupSize = 8;

/** decay, input [R, T, C] -> h [R, T, C]. */
export function linearRecurrence(decay: tf.Tensor3D, input: tf.Tensor3D): tf.Tensor3D {
  const recurrence = tf.customGrad((...given) => {
    const [decay, input, save] = given as [tf.Tensor3D, tf.Tensor3D, tf.GradSaveFunc];
    const h = scan(decay, input, "forward");
    save([decay, h]);
    return {
      value: h,
      gradFunc: (dh, saved) => {
        const [decay, h] = saved as [tf.Tensor3D, tf.Tensor3D];
        const adjoint = scan(shiftLeft(decay), dh as tf.Tensor3D, "backward"); // dh_t + decay_{t+1} adjoint_{t+1}
        return [tf.mul(adjoint, shiftRight(h, 1)), adjoint];
      },
    };
  });
  return recurrence(decay, input) as tf.Tensor3D;
}

type Direction = "forward" | "backward";

/** In the order of time, or from its end: h_t = decay_t h_{t+1} + input_t. */
function scan(decay: tf.Tensor3D, input: tf.Tensor3D, direction: Direction): tf.Tensor3D {
  if (hasKernel("Recurrence")) return fusedRecurrence(decay, input, direction === "backward");
  const [rows, length, channels] = input.shape;
  const steps = Math.min(groupSize, length);
  const groups = Math.ceil(length / steps);
  const decays = ordered(unstackGroups(decay, steps), direction); // steps x [R, G, C]
  const inputs = ordered(unstackGroups(input, steps), direction);

  const within = [inputs[0] as tf.Tensor3D]; // h as if every group began at zero
  const carried = [decays[0] as tf.Tensor3D]; // what is left of an earlier state
  for (let step = 1; step < steps; step++) {
    const kept = decays[step] as tf.Tensor3D;
    within.push(tf.add(tf.mul(kept, within[step - 1] as tf.Tensor3D), inputs[step] as tf.Tensor3D));
    if (groups > 1) carried.push(tf.mul(kept, carried[step - 1] as tf.Tensor3D));
  }
  if (groups === 1) return tf.reshape(tf.stack(ordered(within, direction), 2), [rows, length, channels]);

  const ends = scan(carried[steps - 1] as tf.Tensor3D, within[steps - 1] as tf.Tensor3D, direction);
  const before = direction === "forward" ? shiftRight(ends, 1) : shiftLeft(ends);
  const states = within.map((h, step) =>
    step === steps - 1 ? ends : tf.add(h, tf.mul(carried[step] as tf.Tensor3D, before)),
  );
  const all: tf.Tensor3D = tf.reshape(tf.stack(ordered(states, direction), 2), [rows, groups * steps, channels]);
  return groups * steps === length ? all : tf.slice(all, 0, [rows, length, channels]);
}

/** [R, T, C] -> every step of the groups, [R, G, C] each; the last group is filled up with zeros. */
function unstackGroups(x: tf.Tensor3D, steps: number): tf.Tensor3D[] {
  const [rows, length, channels] = x.shape;
  const groups = Math.ceil(length / steps);
  const full = padAxis(x, 1, 0, groups * steps - length);
  return tf.unstack(tf.reshape(full, [rows, groups, steps, channels]), 2) as tf.Tensor3D[];
}

function ordered<X>(steps: readonly X[], direction: Direction): X[] {
  return direction === "forward" ? [...steps] : steps.toReversed();
}

/** x_{t+1} at position t, and zero at the end. [R, T, C]. */
function shiftLeft(x: tf.Tensor3D): tf.Tensor3D {
  const [rows, length, channels] = x.shape;
  if (length === 1) return tf.zerosLike(x);
  return padAxis(tf.slice(x, [0, 1, 0], [rows, length - 1, channels]), 1, 0, 1);
}
