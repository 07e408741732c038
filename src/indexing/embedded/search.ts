import { densityNeighbours, localDensity } from '../../core/local-density.js';
import type { Filter, Neighbour, SearchOptions } from '../catalogue.js';
import type { DensityTable } from './density-table.js';
import type { Tuning } from './format.js';
import type { Graph } from './graph.js';
import { Nearest } from './nearest.js';
import type { Reader } from './reader.js';
import type { VectorStore } from './vector-store.js';

/** The slots a filter leaves, as a list to scan and as a mask to test. */
interface Matches {
  readonly slots: Uint32Array;
  readonly mask: Uint8Array;
}

const rememberedFilters = 16;

/**
 * Plans and answers searches. Filters go to SQL first; then few candidates are scanned exactly and many are over-fetched
 * from the graph, wider and wider until enough of them match. No JavaScript filter is ever given to hnswlib.
 */
export class Searcher {
  /** Filters of the last searches; emptied by every change. */
  readonly #remembered = new Map<string, Matches>();

  constructor(
    private readonly parts: {
      readonly store: VectorStore;
      readonly reader: Reader;
      readonly graph: Graph;
      readonly densities: DensityTable;
      readonly tuning: Tuning;
    },
  ) {}

  /** Must be called after every write. */
  forget(): void {
    this.#remembered.clear();
  }

  search(query: Float32Array, options: SearchOptions): Neighbour[] {
    const { store, reader, densities } = this.parts;
    return this.nearest(query, options, this.#slotOf(options.exclude)).flatMap(({ distance, slot }) => {
      const item = reader.byRow(store.rowAt(slot));
      return item ? [{ item, distance, density: densities.at(slot) }] : [];
    });
  }

  densityAt(query: Float32Array, options: Omit<SearchOptions, 'limit'>): number | null {
    const { ef = this.parts.tuning.densityEf, exclude, ...rest } = options;
    const near = this.nearest(query, { ...rest, ef, limit: densityNeighbours }, this.#slotOf(exclude));
    return localDensity(near.map(({ distance }) => distance));
  }

  #slotOf(id: string | undefined): number {
    const row = id === undefined ? undefined : this.parts.reader.rowOf(id);
    return row === undefined ? -1 : (this.parts.store.slotOf(row) ?? -1);
  }

  /** The nearest slots but `excluded`, nearest first. */
  nearest(query: Float32Array, options: SearchOptions, excluded = -1): { distance: number; slot: number }[] {
    const { store } = this.parts;
    const nearest = new Nearest(options.limit, store.compareSlots);
    const matches = options.filter?.length ? this.#matches(options.filter) : undefined;
    if (options.exact === true || !this.#walk(query, nearest, excluded, options, matches)) {
      store.scan(query, nearest, excluded, matches?.slots);
    }
    return nearest.sorted();
  }

  /** Fills `nearest` from the graph, or returns false when a scan is quicker or the only way; it is then still empty. */
  #walk(query: Float32Array, nearest: Nearest, excluded: number, options: SearchOptions, matches?: Matches): boolean {
    const { store, graph, tuning } = this.parts;
    const eligible = matches?.slots.length ?? store.size;
    if (!graph.usable || eligible <= Math.max(tuning.scanBelow, tuning.scanShare * store.size)) return false;
    const share = eligible / store.size;
    const wanted = options.limit + (excluded < 0 ? 0 : 1);
    let breadth = Math.max(options.ef ?? tuning.ef, wanted, Math.ceil((1.5 * wanted) / share));
    for (; breadth <= store.size / 4; breadth *= 3) {
      const found: number[] = [];
      for (const row of graph.nearest(query, breadth)) {
        const slot = store.slotOf(row);
        if (slot !== undefined && slot !== excluded && (matches?.mask[slot] ?? 1) === 1) found.push(slot);
      }
      if (found.length < options.limit) continue;
      for (const row of graph.pending) {
        const slot = store.slotOf(row);
        if (slot !== undefined && slot !== excluded && (matches?.mask[slot] ?? 1) === 1) found.push(slot);
      }
      store.scan(query, nearest, excluded, found);
      return true;
    }
    return false;
  }

  #matches(filter: Filter): Matches {
    const { store, reader } = this.parts;
    const key = JSON.stringify(filter);
    const remembered = this.#remembered.get(key);
    if (remembered) return remembered;
    const mask = new Uint8Array(store.slots);
    const slots: number[] = [];
    for (const row of reader.matchingRows(filter)) {
      const slot = store.slotOf(row);
      if (slot === undefined) continue;
      mask[slot] = 1;
      slots.push(slot);
    }
    const matches = { slots: Uint32Array.from(slots), mask };
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size >= rememberedFilters && !oldest.done) this.#remembered.delete(oldest.value);
    this.#remembered.set(key, matches);
    return matches;
  }
}
