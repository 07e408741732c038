import * as tf from '@tensorflow/tfjs-core';

/**
 * Functions with a gradient of their own. The losses know their gradients in closed form: that takes a fraction of the
 * operations autodiff would record, and it needs no gradient that a backend may lack.
 */

/**
 * `value` as a function of `inputs` whose gradient is `backward`: one tensor for each input, shaped like it. What
 * `forward` computes is off the tape; `saved` is what `backward` gets to see of it.
 */
export function differentiable<Out extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: () => { readonly value: Out; readonly saved: tf.Tensor[] },
  backward: (dy: Out, saved: readonly tf.Tensor[]) => tf.Tensor[],
): Out {
  const run = tf.customGrad<Out>((...received) => {
    const { value, saved } = forward();
    const save = received.at(-1);
    if (typeof save === 'function') save(saved);
    return { value, gradFunc: backward };
  });
  return run(...inputs);
}

/** A scalar function of `x` whose gradient with respect to `x` (shaped like `x`) comes along with its value. */
export function scalarWithGradient(
  x: tf.Tensor2D,
  evaluate: () => { readonly value: tf.Scalar; readonly gradient: tf.Tensor2D },
): tf.Scalar {
  return differentiable(
    [x],
    () => {
      const { value, gradient } = evaluate();
      return { value, saved: [gradient] };
    },
    (dy, saved) => saved.map((gradient) => tf.mul(gradient, dy)),
  );
}

/** The result of `evaluate` as a constant: no gradient flows through it, and its intermediates are freed. */
export function detached<Out extends tf.Tensor>(evaluate: () => Out): Out {
  return differentiable(
    [],
    () => ({ value: evaluate(), saved: [] }),
    () => [],
  );
}

/** a + weight·b for two scalars. */
export function weightedSum(a: tf.Scalar, b: tf.Scalar, weight: number): tf.Scalar {
  return differentiable(
    [a, b],
    () => ({ value: tf.add<tf.Scalar>(a, tf.mul(b, weight)), saved: [] }),
    (dy) => [tf.clone(dy), tf.mul(dy, weight)],
  );
}
