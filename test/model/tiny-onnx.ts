import { createRandom } from '../../src/core/random.js';
import { createOnnxBuilder } from '../../src/model/onnx/builder.js';

export interface TinyEncoder {
  readonly onnx: Uint8Array;
  readonly inputSize: number;
  readonly dimension: number;
  /** What the graph computes, in plain loops: `count` pictures of inputSize × inputSize × 3 bytes → unit vectors. */
  expected(pixels: Uint8Array, count: number): Float32Array;
}

/** The smallest encoder with kindred's interface: mean colour over the picture, times a matrix, to unit length. */
export function tinyEncoder(inputSize = 32, dimension = 8, seed = 1): TinyEncoder {
  const random = createRandom('tiny', seed);
  const matrix = Float32Array.from({ length: 3 * dimension }, () => random() - 0.5);
  const builder = createOnnxBuilder('tiny');
  const floats = builder.node('Cast', [builder.input('pixels', ['N', inputSize, inputSize, 3], 'uint8')], { to: 1 });
  const means = builder.node('ReduceMean', [floats], { axes: [1, 2], keepdims: 0 });
  const product = builder.node('MatMul', [means, builder.constant(matrix, [3, dimension])]);
  const norm = builder.node('ReduceL2', [product], { axes: [1], keepdims: 1 });
  builder.node('Div', [product, norm], {}, 'embedding');
  builder.output('embedding', ['N', dimension]);
  return {
    onnx: builder.finish(),
    inputSize,
    dimension,
    expected(pixels, count) {
      const result = new Float32Array(count * dimension);
      const area = inputSize * inputSize;
      for (let image = 0; image < count; image++) {
        const mean = [0, 0, 0];
        for (let i = 0; i < area * 3; i++)
          mean[i % 3] = (mean[i % 3] ?? 0) + (pixels[image * area * 3 + i] ?? 0) / area;
        const values = Array.from({ length: dimension }, (_, d) =>
          mean.reduce((sum, value, channel) => sum + value * (matrix[channel * dimension + d] ?? 0), 0),
        );
        const length = Math.hypot(...values);
        values.forEach((value, d) => (result[image * dimension + d] = value / length));
      }
      return result;
    },
  };
}
