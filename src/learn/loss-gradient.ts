import * as tf from '@tensorflow/tfjs-core';

/** A scalar loss of the raw embeddings [B, D] (before L2 normalisation), differentiable by TF.js. */
export type DifferentiableLoss = (raw: tf.Tensor2D) => tf.Scalar;

/** The value of the loss and its gradient with respect to the raw embeddings, B · D values. Small, so it stays in TF.js. */
export function lossGradient(
  loss: DifferentiableLoss,
  embeddings: Float32Array,
  batch: number,
): { value: number; gradient: Float32Array } {
  return tf.tidy(() => {
    const raw = tf.tensor2d(embeddings, [batch, embeddings.length / batch]);
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor2D) => loss(x))(raw);
    return { value: value.dataSync()[0] ?? NaN, gradient: Float32Array.from(grad.dataSync()) };
  });
}
