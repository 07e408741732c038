import { createOnnxBuilder } from '../../../src/model/onnx/builder.js';

export const inputSize = 32;
/** Activations of one picture. */
export const values = 8 * 8 * 3;

/** The smallest stem with kindred's interface: means over 4 × 4 pixels, times 1/3, which no half holds exactly. */
export function tinyStem(factor = 1 / 3): Uint8Array {
  const builder = createOnnxBuilder('tiny-stem');
  const pixels = builder.input('pixels', ['N', inputSize, inputSize, 3], 'uint8');
  const planes = builder.node('Transpose', [builder.node('Cast', [pixels], { to: 1 })], { perm: [0, 3, 1, 2] });
  const means = builder.node('AveragePool', [planes], { kernel_shape: [4, 4], strides: [4, 4] });
  builder.node('Mul', [means, builder.constant(Float32Array.of(factor), [1])], {}, 'activations');
  builder.output('activations', ['N', 3, 8, 8]);
  return builder.finish();
}
