import { createRandom, gaussian } from '../core/random.js';
import type { Network, Node } from '../model/graph.js';
import { inferShapes } from '../model/shapes.js';
import { append } from '../model/surgery.js';

/** Average over all positions: what an untrained backbone is compared by. */
export function withPooling(backbone: Network): Network {
  const name = 'average_pool';
  return append(backbone, [{ op: 'global-average-pool', name, inputs: [backbone.output], layers: [name] }], []);
}

/** [rows, columns] with orthonormal columns (or rows, where there are fewer), by Gram–Schmidt on Gaussian vectors. */
export function orthogonal(rows: number, columns: number, seed: number): Float32Array {
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
  const random = createRandom('head', seed);
  const basis: Float64Array[] = [];
  while (basis.length < count) {
    const vector = Float64Array.from({ length }, () => gaussian(random));
    // Twice is enough for orthogonality to rounding.
    for (const other of [...basis, ...basis]) {
      const along = vector.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
      for (let i = 0; i < length; i++) vector[i] = (vector[i] ?? 0) - along * (other[i] ?? 0);
    }
    const size = Math.hypot(...vector);
    if (size > 1e-6) basis.push(vector.map((value) => value / size));
  }
  const at = (row: number, column: number): number =>
    (columns <= rows ? basis[column]?.[row] : basis[row]?.[column]) ?? 0;
  return Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
}

/** Names of the head's parameters, which learn at their own, higher rate. */
export const headParameters: ReadonlySet<string> = new Set(['embedding/kernel', 'embedding/bias']);

/**
 * Average pooling and a linear layer to `dim`; the L2 normalisation is the loss's and the export's. Average + max pooling
 * retrieved unseen classes worse in the runs of docs/results.md.
 */
export function withHead(backbone: Network, dim: number, seed: number): Network {
  const pooled = withPooling(backbone);
  const channels = inferShapes(backbone).get(backbone.output)?.[2] ?? 0;
  const [kernel, bias] = ['embedding/kernel', 'embedding/bias'];
  const head: Node = {
    op: 'dense',
    name: 'embedding',
    inputs: [pooled.output],
    layers: ['embedding'],
    kernel,
    bias,
    activation: 'linear',
  };
  return append(
    pooled,
    [head],
    [
      [kernel, { shape: [channels, dim], data: orthogonal(channels, dim, seed) }],
      [bias, { shape: [dim], data: new Float32Array(dim) }],
    ],
  );
}
