import { KindredError } from '../../core/errors.js';
import { workerUrl } from '../../core/worker-url.js';
import { checkK } from '../../metrics/neighbours.js';
import { rankBlockRows, type QueryRanks } from '../../metrics/rank-block.js';
import { rankedSet } from '../../metrics/ranks.js';
import { checkSet, type Rows } from '../../metrics/scores.js';
import { createWorkerPool } from '../../model/pool.js';
import { blockRows } from './float-blocks.js';
import type { ExactSearch } from './search.js';
import type { SearchAnswer, SearchJob, SharedSet } from './search-protocol.js';

function shared(values: Rows): Rows {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const memory = new SharedArrayBuffer(values.byteLength);
  const copy = values instanceof Float32Array ? new Float32Array(memory) : new Float64Array(memory);
  copy.set(values);
  return copy;
}

function unexpected(answer: SearchAnswer): KindredError {
  return new KindredError('internal', `a worker answered with ${answer.kind}, which was not asked for`);
}

/**
 * Blocks of queries on worker threads: matrix products by ONNX Runtime, and the exact score wherever float32 leaves a
 * doubt. The rows are copied once into shared memory, unless they lie there; each thread takes some MiB beside them.
 * @param threads default: the cores this process may use
 * @throws KindredError addon-missing
 */
export async function openSearchPool(threads?: number): Promise<ExactSearch> {
  const pool = await createWorkerPool<null, SearchJob, SearchAnswer>({
    script: workerUrl('./search-worker.js', import.meta.url),
    workerData: null,
    threads,
    youngGenerationMiB: 16,
  });
  let sets = 0;

  /** Answers in the order of the queries, while the next jobs are under way. */
  async function* blocks(set: SharedSet, queries: number, rows: number, k?: number) {
    const waiting: { readonly first: number; readonly count: number; readonly answer: Promise<SearchAnswer> }[] = [];
    let next = 0;
    while (next < queries || waiting.length > 0) {
      while (next < queries && waiting.length < 2 * pool.threads) {
        const job = { set, first: next, count: Math.min(rows, queries - next), k };
        const answer = pool.run(job);
        answer.catch(() => undefined); // whoever stops early awaits no more answers
        waiting.push({ ...job, answer });
        next += job.count;
      }
      const oldest = waiting.shift();
      if (oldest) yield { first: oldest.first, count: oldest.count, answer: await oldest.answer };
    }
  }

  return {
    async *ranks(options) {
      const { embeddings, labels, dimension, gallery } = options;
      const ranked = rankedSet(options);
      const set: SharedSet = {
        id: sets++,
        queries: shared(embeddings),
        gallery: gallery && shared(gallery.embeddings),
        dimension,
        labels: { queries: labels, gallery: gallery?.labels },
      };
      for await (const { first, count, answer } of blocks(set, labels.length, rankBlockRows(ranked, blockRows))) {
        if (answer.kind !== 'ranks') throw unexpected(answer);
        let offset = 0;
        yield Array.from({ length: count }, (_, row): QueryRanks => {
          const end = offset + (answer.lengths[row] ?? 0);
          const ranks = answer.ranks.subarray(offset, end);
          offset = end;
          return { query: first + row, label: labels[first + row] ?? -1, ranks };
        });
      }
    },
    async nearest({ k, queries, gallery, dimension }) {
      const checked = checkSet({ queries, dimension, ...(gallery && { gallery }) });
      checkK(checked, k);
      const set = { id: sets++, queries: shared(queries), gallery: gallery && shared(gallery), dimension };
      const indices = new Int32Array(checked.queryCount * k);
      const distances = new Float64Array(checked.queryCount * k);
      for await (const { first, answer } of blocks({ ...set, labels: undefined }, checked.queryCount, blockRows, k)) {
        if (answer.kind !== 'nearest') throw unexpected(answer);
        indices.set(answer.indices, first * k);
        distances.set(answer.distances, first * k);
      }
      return { k, indices, distances };
    },
    close: () => pool.close(),
  };
}
