import { KindredError } from '../core/errors.js';
import type { ReportProgress } from '../core/progress.js';
import type { Catalogue, CatalogueItem, NewItem } from './catalogue.js';

export interface CatalogueVectors {
  /** In order of id. */
  readonly items: readonly CatalogueItem[];
  /** `items.length` unit-length rows of `dimension` values. */
  readonly values: Float32Array;
}

export interface WorkOptions {
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

const page = 1000;

/** Items a transaction holds. */
const itemsPerPut = 256;

function stopIfAborted(signal: AbortSignal, left: string): void {
  if (signal.aborted) throw new KindredError('interrupted', `stopped; ${left}`);
}

/**
 * Everything in a catalogue with its vectors, page by page through the contract. What is deleted meanwhile is left out.
 * @throws KindredError interrupted, and what the catalogue throws
 */
export async function readVectors(catalogue: Catalogue, { progress, signal }: WorkOptions): Promise<CatalogueVectors> {
  const { dimension } = catalogue;
  const items: CatalogueItem[] = [];
  const vectors: Float32Array[] = [];
  let after: string | undefined;
  do {
    stopIfAborted(signal, 'nothing was written');
    const found = await catalogue.scan({ limit: page, ...(after !== undefined && { after }) });
    const read = await Promise.all(found.items.map(({ id }) => catalogue.embedding(id)));
    found.items.forEach((item, at) => {
      const vector = read[at];
      if (!vector) return;
      items.push(item);
      vectors.push(vector);
    });
    progress({ stage: 'reading vectors', done: items.length, total: found.total, unit: 'items' });
    after = found.next;
  } while (after !== undefined);
  const values = new Float32Array(items.length * dimension);
  vectors.forEach((vector, at) => values.set(vector, at * dimension));
  return { items, values };
}

export interface PutSummary {
  readonly added: number;
  readonly replaced: number;
  readonly unchanged: number;
}

/**
 * Stores items, some hundred a transaction. On abort, those before are stored; running again goes on from there.
 * @throws KindredError interrupted, invalid-vector, invalid-request, and what the catalogue throws
 */
export async function putItems(
  catalogue: Catalogue,
  items: readonly NewItem[],
  { progress, signal }: WorkOptions,
): Promise<PutSummary> {
  const counts = { added: 0, replaced: 0, unchanged: 0 };
  for (let first = 0; first < items.length; first += itemsPerPut) {
    stopIfAborted(signal, `${first} of ${items.length} items are stored`);
    const batch = items.slice(first, first + itemsPerPut);
    for (const outcome of await catalogue.put(batch)) counts[outcome]++;
    progress({ stage: 'storing', done: first + batch.length, total: items.length, unit: 'items' });
  }
  return counts;
}
