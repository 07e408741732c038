import { setImmediate } from 'node:timers/promises';
import { UMAP } from 'umap-js';
import type { ReportProgress } from '../core/progress.js';
import { createRandom } from '../core/random.js';
import { stopIfAborted } from '../evaluate/embed-items.js';
import { nearestNeighbours } from '../metrics/neighbours.js';

/** More points than this hide one another, and take minutes. */
export const mostPoints = 2000;
/** Fewer make no map. */
const leastPoints = 5;
const neighbours = 15;
const epochs = 300;

/**
 * Two dimensions by UMAP (McInnes, Healy, Melville 2018) with exact neighbours; the same embeddings give the same map.
 * @param embeddings unit-length rows of `dimension` values
 * @returns [x, y] of each row; null for fewer than five rows
 * @throws KindredError interrupted
 */
export async function flatten(
  embeddings: Float32Array,
  dimension: number,
  watch: { readonly progress: ReportProgress; readonly signal: AbortSignal },
): Promise<(readonly [number, number])[] | null> {
  const count = embeddings.length / dimension;
  if (count < leastPoints) return null;
  const k = Math.min(neighbours, count) - 1;
  const { indices, distances } = nearestNeighbours({ queries: embeddings, dimension, k });
  const rows = Array.from({ length: count }, (_, row) => row);
  const around = (values: Int32Array | Float64Array, row: number): number[] => [
    ...values.subarray(row * k, (row + 1) * k),
  ];
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: k + 1,
    minDist: 0.1,
    nEpochs: epochs,
    random: createRandom('map'),
  });
  // As umap-js finds them itself: every point is its own first neighbour.
  umap.setPrecomputedKNN(
    rows.map((row) => [row, ...around(indices, row)]),
    rows.map((row) => [0, ...around(distances, row).map(Math.sqrt)]),
  );
  umap.initializeFit(rows.map((row) => [...embeddings.subarray(row * dimension, (row + 1) * dimension)]));
  for (let epoch = 1; epoch <= epochs; epoch++) {
    umap.step();
    if (epoch % 10 !== 0) continue;
    watch.progress({ stage: 'mapping', done: epoch, total: epochs, unit: 'rounds' });
    await setImmediate();
    stopIfAborted(watch.signal);
  }
  return umap.getEmbedding().map(([x = 0, y = 0]) => [x, y]);
}
