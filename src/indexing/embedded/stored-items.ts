import type { SearchOptions, StoredItem } from '../catalogue.js';
import type { DensityTable } from './density-table.js';
import type { PackedNeighbours } from './packed.js';
import type { Reader } from './reader.js';
import type { Searcher } from './search.js';
import type { VectorStore } from './vector-store.js';

/** What is known of single items, by their ids. */
export class StoredItems {
  constructor(
    private readonly parts: {
      readonly store: VectorStore;
      readonly reader: Reader;
      readonly densities: DensityTable;
      readonly searcher: Searcher;
    },
  ) {}

  lookup(id: string): StoredItem | null {
    return this.#at(this.#slotOf(id));
  }

  searchFrom(id: string, options: SearchOptions): (StoredItem & { found: PackedNeighbours }) | null {
    const slot = this.#slotOf(id);
    const stored = this.#at(slot);
    if (stored === null || slot === undefined) return null;
    return { ...stored, found: this.parts.searcher.search(stored.embedding, options, [slot]) };
  }

  embedding(id: string): Float32Array | null {
    const slot = this.#slotOf(id);
    return slot === undefined ? null : this.parts.store.at(slot).slice();
  }

  density(id: string): number | null {
    const slot = this.#slotOf(id);
    return slot === undefined ? null : this.parts.densities.at(slot);
  }

  #slotOf(id: string): number | undefined {
    return this.parts.searcher.slotsOf(id)[0];
  }

  #at(slot: number | undefined): StoredItem | null {
    const { store, reader, densities } = this.parts;
    const item = slot === undefined ? undefined : reader.byRow(store.rowAt(slot));
    if (item === undefined || slot === undefined) return null;
    return { item, embedding: store.at(slot).slice(), density: densities.at(slot) };
  }
}
