import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import type { Catalogue, CatalogueItem, NewItem } from '../catalogue.js';
import type { SkippedItem } from '../sync-types.js';
import { sameItem } from '../item-rules.js';

export interface CarryParts {
  readonly source: Pick<Catalogue, 'get' | 'scan' | 'changesSince' | 'contentHashes'>;
  readonly target: Pick<Catalogue, 'get' | 'embedding' | 'put' | 'delete' | 'contentHashes'>;
  /** Of the target's model. */
  readonly embedder: Embedder;
}

export interface Carrier {
  /** Makes the target's items of these ids what the source's are now: added, changed or deleted. */
  readonly bring: (ids: readonly string[]) => Promise<void>;
  /**
   * Brings over what changed after change `from`, at least until now. With `pages`, gives up when there is more after so
   * many thousand changes: writes may come faster than pictures are embedded.
   * @returns the number of the last change that the target holds
   */
  readonly replay: (from: number, pages?: number) => Promise<number>;
  /** What has no embedding of the target's model, and is not in the target. */
  readonly skipped: ReadonlyMap<string, SkippedItem>;
  /** Pictures embedded so far. */
  readonly embedded: () => number;
}

const linesAtOnce = 1000;

/**
 * Carries items from one catalogue to another of another model. It works by state, not by event: whatever happened to
 * an item, what the source says of it now is what the target gets. So it may be stopped and begun again anywhere.
 */
export function createCarrier({ source, target, embedder }: CarryParts): Carrier {
  const skipped = new Map<string, SkippedItem>();
  let embedded = 0;

  const skip = (item: CatalogueItem, code: SkippedItem['code'], message: string): void => {
    skipped.set(item.id, { id: item.id, path: item.imagePath ?? '', code, message });
  };

  /** An item whose embedding is there already, or null where its picture must be embedded. */
  const withoutEmbedding = async (item: CatalogueItem): Promise<NewItem | 'same' | null> => {
    const known = await target.get(item.id);
    if (known?.contentHash !== item.contentHash) return null;
    if (sameItem(known, item)) return 'same';
    const embedding = await target.embedding(item.id);
    return embedding && { ...item, embedding };
  };

  const embed = async (items: readonly CatalogueItem[]): Promise<NewItem[]> => {
    const pictures = items.flatMap((item) => (item.imagePath === null ? [] : [{ item, path: item.imagePath }]));
    for (const item of items) if (item.imagePath === null) skip(item, 'image-missing', 'it came as a vector');
    if (pictures.length === 0) return [];
    const outcomes = await embedder.embed(pictures.map(({ path }) => ({ image: { path }, hash: true })));
    return pictures.flatMap(({ item }, at) => {
      const outcome = outcomes[at];
      if (!outcome) throw new KindredError('internal', 'the embedder gave fewer outcomes than it was asked for');
      if (!outcome.ok) {
        skip(item, outcome.error.code, outcome.error.message);
        return [];
      }
      embedded++;
      const { embedding, width, height, contentHash } = outcome;
      return [{ ...item, width, height, contentHash: contentHash ?? item.contentHash, embedding }];
    });
  };

  const bring = async (ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    const found = await Promise.all(ids.map((id) => source.get(id)));
    const ready: NewItem[] = [];
    const wanted: CatalogueItem[] = [];
    for (const item of found) {
      if (item === null) continue;
      const known = await withoutEmbedding(item);
      if (known === null) wanted.push(item);
      else if (known !== 'same') ready.push(known);
      skipped.delete(item.id);
    }
    const items = [...ready, ...(await embed(wanted))];
    if (items.length > 0) await target.put(items);
    // What it was before is not what it is: better not found than found for what it no longer shows.
    const gone = ids.filter((id, at) => found[at] === null || skipped.has(id));
    if (gone.length > 0) await target.delete(gone);
    ids.forEach((id, at) => found[at] === null && skipped.delete(id));
  };

  return {
    bring,
    skipped,
    embedded: () => embedded,
    async replay(from, pages = Infinity) {
      let last = from;
      for (let at = 0; at < pages; at++) {
        const lines = await source.changesSince(last, linesAtOnce);
        await bring([...new Set(lines.map(({ id }) => id))]);
        last = lines.at(-1)?.number ?? last;
        if (lines.length < linesAtOnce) break;
      }
      return last;
    },
  };
}

/** @throws KindredError reindex-incomplete naming some of the items */
export function refuseSkipped(skipped: ReadonlyMap<string, SkippedItem>): void {
  if (skipped.size === 0) return;
  const some = [...skipped.values()].slice(0, 5).map(({ id, message }) => `"${id}": ${message}`);
  const more = skipped.size > some.length ? `; and ${skipped.size - some.length} more` : '';
  throw new KindredError(
    'reindex-incomplete',
    `${skipped.size} items cannot be embedded by the new model (${some.join('; ')}${more})`,
    { hint: 'Put the pictures back and run the same command again, or leave these items out with --skip-missing.' },
  );
}
