import type { ReportProgress } from '../../core/progress.js';
import { densityNeighbours } from '../../core/local-density.js';
import { squaredDistance } from '../../core/vectors.js';
import type { Catalogue, CatalogueItem } from '../../indexing/catalogue.js';
import { readVectors } from '../../indexing/vectors.js';
import { stopIfAborted } from '../embed-items.js';

/** Every item of a catalogue with its nearest others. */
export interface Neighbourhood {
  /** In order of id. */
  readonly items: readonly CatalogueItem[];
  /** Neighbours kept of each. */
  readonly k: number;
  /** items × k positions of the nearest others, nearest first; −1 where there are fewer. */
  readonly indices: Int32Array;
  /** items × k squared Euclidean distances. */
  readonly distances: Float64Array;
  /** Squared distance of two items by position. */
  readonly distance: (a: number, b: number) => number;
}

/** Searches at a time: enough to keep the catalogue's thread busy, few enough to let others' searches in between. */
const together = 4;

/**
 * Reads a catalogue through its contract, so that any implementation will do and none of the work is done on this thread.
 * An item that is deleted meanwhile is left out.
 * @throws KindredError interrupted
 */
export async function readNeighbourhood(
  catalogue: Catalogue,
  { progress, signal }: { readonly progress: ReportProgress; readonly signal: AbortSignal },
): Promise<Neighbourhood> {
  const { dimension } = catalogue;
  const { items, values: rows } = await readVectors(catalogue, { progress, signal });
  const row = (at: number): Float32Array => rows.subarray(at * dimension, (at + 1) * dimension);
  const positions = new Map(items.map(({ id }, at) => [id, at]));
  const k = densityNeighbours;
  const indices = new Int32Array(items.length * k).fill(-1);
  const distances = new Float64Array(items.length * k).fill(Infinity);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      stopIfAborted(signal);
      const near = await catalogue.search(row(at).slice(), { limit: k, exclude: items[at]?.id ?? '' });
      let place = at * k;
      for (const { item, distance } of near) {
        const position = positions.get(item.id);
        if (position === undefined) continue;
        indices[place] = position;
        distances[place++] = distance;
      }
      progress({ stage: 'finding neighbours', done: at + 1, total: items.length, unit: 'items' });
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  return { items, k, indices, distances, distance: (a, b) => squaredDistance(row(a), row(b)) };
}
