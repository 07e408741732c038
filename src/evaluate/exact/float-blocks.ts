import { exactBlocks, type CheckedSet, type ScoreBlocks, type ScoreTile } from '../../metrics/scores.js';
import { createOnnxBuilder } from '../../model/onnx/builder.js';
import { loadRuntime } from '../../model/encoder-session.js';

/** Most queries of a block. They, a tile's items and their scores (2 MiB) stay near a core's own cache. */
export const blockRows = 512;
const tileItems = 1024;

/** Products beyond this might leave float32's range. */
const largestProduct = 1e30;

/** Multiplies queries [Q, D] by items [G, D] and adds a bias [G] to every row. */
export type MultiplyRows = (
  queries: Float32Array,
  items: Float32Array,
  bias: Float32Array,
  dimension: number,
) => Promise<Float32Array>;

/**
 * A matrix product in ONNX Runtime, on the calling thread alone.
 * @throws KindredError addon-missing
 */
export async function openMultiply(): Promise<MultiplyRows> {
  const { InferenceSession, Tensor } = await loadRuntime();
  const graph = createOnnxBuilder('scores');
  const inputs = [graph.input('q', ['Q', 'D']), graph.input('g', ['G', 'D']), graph.input('bias', ['G'])];
  graph.rename(graph.node('Gemm', inputs, { transB: 1 }), 'scores');
  graph.output('scores', ['Q', 'G']);
  const session = await InferenceSession.create(graph.finish(), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
  return async (queries, items, bias, dimension) => {
    const { scores } = await session.run({
      q: new Tensor('float32', queries, [queries.length / dimension, dimension]),
      g: new Tensor('float32', items, [items.length / dimension, dimension]),
      bias: new Tensor('float32', bias, [bias.length]),
    });
    if (!(scores?.data instanceof Float32Array)) throw new Error('a matrix product gave no float32 scores');
    return scores.data;
  };
}

/**
 * How far a float32 score may be from the exact one: n products and their sum, in any order, are off by at most
 * n·u/(1 − n·u) · Σ|xᵢyᵢ| with u = 2⁻²⁴ (Higham, Accuracy and Stability of Numerical Algorithms, §3.1), Σ|xᵢyᵢ| ≤ ‖q‖·‖g‖;
 * the bias is one more term, and rounding the inputs to float32 adds up to 3u.
 */
export function floatError(largestQuery: number, largestItem: number, dimension: number): number {
  const n = (dimension + 4) * 2 ** -24;
  return (n / (1 - n)) * (largestQuery * largestItem + largestItem ** 2 / 2) + 1e-30;
}

/** The greatest value; 0 when there is none. */
const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, value), 0);

/** Scores in float32 by ONNX Runtime; in double precision where the values are too large for that. */
export function floatBlocks(
  set: CheckedSet,
  queryNorms: Float64Array,
  multiply: MultiplyRows,
): ScoreBlocks<AsyncGenerator<ScoreTile> | Generator<ScoreTile>> {
  const { queries, gallery, dimension, galleryCount, halfNorms } = set;
  const [largestQuery, largestItem] = [Math.sqrt(largest(queryNorms)), Math.sqrt(2 * largest(halfNorms))];
  if (Math.max(largestQuery, largestItem) ** 2 > largestProduct) return exactBlocks(set, blockRows);
  // Copies: ONNX Runtime takes no shared memory.
  const block = new Float32Array(blockRows * dimension);
  const tile = new Float32Array(tileItems * dimension);
  const bias = new Float32Array(tileItems);
  return {
    error: floatError(largestQuery, largestItem, dimension),
    blockRows,
    async *tiles(firstQuery, count) {
      block.set(queries.subarray(firstQuery * dimension, (firstQuery + count) * dimension));
      for (let firstItem = 0; firstItem < galleryCount; firstItem += tileItems) {
        const items = Math.min(tileItems, galleryCount - firstItem);
        tile.set(gallery.subarray(firstItem * dimension, (firstItem + items) * dimension));
        for (let i = 0; i < items; i++) bias[i] = -(halfNorms[firstItem + i] ?? 0);
        const [rows, columns] = [block.subarray(0, count * dimension), tile.subarray(0, items * dimension)];
        const scores = await multiply(rows, columns, bias.subarray(0, items), dimension);
        yield { firstQuery, queries: count, firstItem, items, scores };
      }
    },
  };
}
