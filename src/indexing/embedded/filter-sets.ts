import type { CatalogueItem, Filter } from '../catalogue.js';
import { filterTest } from '../item-filter.js';
import type { Reader } from './reader.js';
import { SlotSet } from './slot-set.js';
import type { VectorStore } from './vector-store.js';

/** Memory for the filters of the last searches. */
const mostBytes = 4 * 1024 * 1024;
const mostFilters = 64;

interface Kept {
  readonly set: SlotSet;
  readonly test: (item: CatalogueItem) => boolean;
}

/**
 * What each filter leaves of the catalogue, as a set of slots. SQL answers the conditions, once; afterwards every write
 * changes its own item's place in the sets that are kept, so that a filter asked for often costs nothing between writes
 * and next to nothing after them.
 */
export class FilterSets {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly parts: { readonly store: VectorStore; readonly reader: Reader }) {}

  /** How many are kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** @throws KindredError unknown-filter-field */
  matching(filter: Filter): SlotSet {
    this.parts.reader.checkFields(filter);
    const key = JSON.stringify(filter);
    const kept = this.#kept.get(key) ?? { set: this.#evaluate(filter), test: filterTest(filter) };
    // The last one used is the last in the map.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const most = Math.max(4, Math.min(mostFilters, Math.floor(mostBytes / kept.set.bytes)));
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= most) break;
      this.#kept.delete(oldest);
    }
    return kept.set;
  }

  /** The item in this slot is new, or has changed. */
  written(slot: number, item: CatalogueItem): void {
    for (const { set, test } of this.#kept.values()) set.set(slot, test(item));
  }

  /** The item in this slot is gone. */
  removed(slot: number): void {
    for (const { set } of this.#kept.values()) set.set(slot, false);
  }

  #evaluate(filter: Filter): SlotSet {
    const { store, reader } = this.parts;
    if ('and' in filter) {
      const result = this.#everything();
      for (const part of filter.and) {
        // What is to be left out is cheaper to find than everything else.
        if ('not' in part) result.removeAll(this.#evaluate(part.not));
        else result.keep(this.#evaluate(part));
      }
      return result;
    }
    if ('not' in filter) {
      const result = this.#everything();
      result.removeAll(this.#evaluate(filter.not));
      return result;
    }
    const result = new SlotSet(store.slots);
    if ('or' in filter) {
      for (const part of filter.or) result.addAll(this.#evaluate(part));
      return result;
    }
    for (const row of reader.matchingRows(filter)) {
      const slot = store.slotOf(row);
      if (slot !== undefined) result.set(slot, true);
    }
    return result;
  }

  #everything(): SlotSet {
    const { store } = this.parts;
    const all = new SlotSet(store.slots);
    for (let slot = 0; slot < store.slots; slot++) if (store.rowAt(slot) !== 0) all.set(slot, true);
    return all;
  }
}
