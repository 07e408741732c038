import type { ScanOptions, ScanPage } from '../catalogue.js';
import type { Reader } from './reader.js';
import type { SlotSet } from './slot-set.js';
import type { VectorStore } from './vector-store.js';

/** Up to this share of the catalogue, sorting the matches by id costs less than going through all ids. */
const sortedShare = 0.02;

/** Ids looked at in one go. */
const stride = 2000;

/** A page of what matches, in order of id. */
export function scanFiltered(
  { store, reader }: { readonly store: VectorStore; readonly reader: Reader },
  { limit, after = '' }: ScanOptions,
  matching: SlotSet,
): Omit<ScanPage, 'total'> {
  if (matching.count <= sortedShare * store.size) {
    const rows = Array.from(matching.slots(), (slot) => store.rowAt(slot));
    return reader.scan({ limit, after }, rows);
  }
  const found: number[] = [];
  let from = after;
  while (found.length <= limit) {
    const ids = reader.rowsByIdAfter(from, stride);
    for (const { row } of ids) {
      const slot = store.slotOf(row);
      if (slot !== undefined && matching.has(slot) && found.length <= limit) found.push(row);
    }
    if (ids.length < stride) break;
    from = ids.at(-1)?.id ?? from;
  }
  const items = found.slice(0, limit).flatMap((row) => reader.byRow(row) ?? []);
  const last = items.at(-1);
  return found.length > limit && last ? { items, next: last.id } : { items };
}
