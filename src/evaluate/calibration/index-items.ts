import { KindredError } from '../../core/errors.js';
import type { ReportProgress } from '../../core/progress.js';
import type { Catalogue, CatalogueItem } from '../../indexing/catalogue.js';
import { stopIfAborted } from '../embed-items.js';
import type { LabelledSet } from './calibrate.js';

const page = 1000;
/** Every item is compared with up to 1,000 queries and, where densities are missing, with all others. */
const mostItems = 200_000;

/**
 * Every item of an index with its stored vector, label and density.
 * @throws KindredError dataset-too-small for an empty index, invalid-request for one too large; interrupted
 */
export async function labelledItems(
  catalogue: Catalogue,
  { progress, signal }: { readonly progress: ReportProgress; readonly signal: AbortSignal },
): Promise<LabelledSet> {
  const { items: total } = await catalogue.stats();
  if (total === 0)
    throw new KindredError('dataset-too-small', 'the index is empty', { hint: 'Index some items first.' });
  if (total > mostItems) {
    throw new KindredError(
      'invalid-request',
      `the index has ${total} items; at most ${mostItems} can be calibrated on`,
      {
        hint: 'Calibrate the model on its data set instead: kindred calibrate MODEL --data DATASET.',
      },
    );
  }
  const items: CatalogueItem[] = [];
  const densities: (number | null)[] = [];
  const embeddings = new Float32Array(total * catalogue.dimension);
  let after: string | undefined;
  do {
    stopIfAborted(signal);
    const { items: some, next } = await catalogue.scan({ limit: page, ...(after !== undefined && { after }) });
    densities.push(...(await catalogue.densities(some.map(({ id }) => id))));
    for (const item of some) {
      const vector = await catalogue.embedding(item.id);
      if (vector) embeddings.set(vector, items.length * catalogue.dimension);
      items.push(item);
    }
    after = next;
    progress({ stage: 'reading the index', done: items.length, total, unit: 'items' });
  } while (after !== undefined);
  const labels = [...new Set(items.map(({ label }) => label))].filter((label) => label !== null);
  const numbers = new Map(labels.sort().map((label, index) => [label, index]));
  return {
    embeddings,
    classes: Int32Array.from(items, ({ label }) => (label === null ? -1 : (numbers.get(label) ?? -1))),
    dimension: catalogue.dimension,
    ...(densities.every((density) => density !== null) && { densities }),
  };
}
