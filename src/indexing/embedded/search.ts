import { densityNeighbours, localDensity } from '../../core/local-density.js';
import type { Filter, Position, ScanOptions, ScanPage, SearchOptions } from '../catalogue.js';
import { isEmptyFilter } from '../item-filter.js';
import { compareIds } from '../item-rules.js';
import type { DensityTable } from './density-table.js';
import type { FilterSets } from './filter-sets.js';
import type { Tuning } from './format.js';
import type { Graph } from './graph.js';
import { scanFiltered } from './item-scan.js';
import { Nearest } from './nearest.js';
import type { PackedNeighbours } from './packed.js';
import type { Reader } from './reader.js';
import type { SlotSet } from './slot-set.js';
import type { VectorStore } from './vector-store.js';

export interface Found {
  readonly distance: number;
  readonly slot: number;
}

interface Plan {
  readonly options: SearchOptions;
  readonly matching: SlotSet | undefined;
  /** How many places of the graph's answer are taken by what is not wanted. */
  readonly unwanted: number;
  readonly makeNearest: () => Nearest;
}

/** Of a walk's answer, nearest first, this part is as good as complete; of what lies behind, much is missed. */
const reliable = 0.75;

/** Breadth of a walk, for each item wanted, over what would do if the matches were spread evenly. */
const margin = 2;

/**
 * Plans and answers searches. Filters go to SQL first; then few candidates are scanned exactly and many are over-fetched
 * from the graph, wider and wider until enough of them match. No JavaScript filter is ever given to hnswlib.
 */
export class Searcher {
  constructor(
    private readonly parts: {
      readonly store: VectorStore;
      readonly reader: Reader;
      readonly graph: Graph;
      readonly filters: FilterSets;
      readonly densities: DensityTable;
      readonly tuning: Tuning;
    },
  ) {}

  search(query: Float32Array, options: SearchOptions, excluded = this.slotsOf(options.exclude)): PackedNeighbours {
    const { store, reader, densities } = this.parts;
    const near = this.nearest(query, options, excluded);
    const items = reader.packed(near.map(({ slot }) => store.rowAt(slot)));
    const found = near.flatMap(({ distance, slot }, index) => {
      const item = items[index];
      return item === undefined ? [] : [{ item, distance, density: densities.at(slot) ?? NaN }];
    });
    return {
      items: `[${found.map(({ item }) => item).join()}]`,
      distances: Float64Array.from(found, ({ distance }) => distance),
      densities: Float64Array.from(found, ({ density }) => density),
    };
  }

  densityAt(query: Float32Array, options: Omit<SearchOptions, 'limit'>): number | null {
    const { ef = this.parts.tuning.densityEf, exclude, ...rest } = options;
    const near = this.nearest(query, { ...rest, ef, limit: densityNeighbours }, this.slotsOf(exclude));
    return localDensity(near.map(({ distance }) => distance));
  }

  /** Items in order of id. @throws KindredError unknown-filter-field */
  scan(options: ScanOptions): ScanPage {
    const { store, reader } = this.parts;
    const matching = this.matching(options.filter);
    if (matching === undefined) return { ...reader.scan(options), total: store.size };
    return { ...scanFiltered({ store, reader }, options, matching), total: matching.count };
  }

  /** What a filter leaves; undefined where it leaves everything. @throws KindredError unknown-filter-field */
  matching(filter: Filter | undefined): SlotSet | undefined {
    return filter === undefined || isEmptyFilter(filter) ? undefined : this.parts.filters.matching(filter);
  }

  slotsOf(ids: string | readonly string[] = []): number[] {
    const { store, reader } = this.parts;
    return (typeof ids === 'string' ? [ids] : ids).flatMap((id) => {
      const row = reader.rowOf(id);
      const slot = row === undefined ? undefined : store.slotOf(row);
      return slot === undefined ? [] : [slot];
    });
  }

  /** The nearest slots but the excluded ones, nearest first. */
  nearest(query: Float32Array, options: SearchOptions, excluded: readonly number[] = []): Found[] {
    const { store } = this.parts;
    const matching = this.matching(options.filter);
    const makeNearest = (): Nearest => this.empty(options, excluded);
    const unwanted = excluded.length + (options.after?.rank ?? 0);
    const plan = { options, matching, unwanted, makeNearest };
    const walked = options.exact === true ? undefined : this.#walk(query, plan);
    if (walked !== undefined) return walked.sorted();
    const nearest = makeNearest();
    store.scan(query, nearest, matching?.slots());
    return nearest.sorted();
  }

  /** What gathers the answer: it takes no excluded slot, and none at or before the place to go on from. */
  empty({ limit, after }: SearchOptions, excluded: readonly number[]): Nearest {
    const { store } = this.parts;
    const isBefore = (place: Position, distance: number, slot: number): boolean =>
      distance === place.distance ? compareIds(store.idAt(slot), place.id) <= 0 : distance < place.distance;
    return new Nearest(limit, store.compareSlots, (distance, slot) => {
      if (excluded.includes(slot)) return true;
      return after !== undefined && isBefore(after, distance, slot);
    });
  }

  /** The answer of the graph, or undefined when a scan is quicker or the only way. */
  #walk(query: Float32Array, plan: Plan): Nearest | undefined {
    const { store, graph, tuning } = this.parts;
    const { options, matching, unwanted, makeNearest } = plan;
    const eligible = matching?.count ?? store.size;
    if (!graph.usable || eligible <= Math.max(tuning.scanBelow, tuning.scanShare * store.size)) return undefined;
    const wanted = options.limit + unwanted;
    const evenly = matching === undefined ? wanted : Math.ceil((margin * wanted * store.size) / eligible);
    // Beyond this, looking at every match takes less time than a walk.
    const most = eligible / tuning.scansPerBreadth;
    for (let breadth = Math.max(options.ef ?? tuning.ef, evenly); breadth <= most; breadth *= 3) {
      const slots: number[] = [];
      const near = graph.nearest(query, breadth);
      for (const rows of [near, graph.pending]) {
        for (const row of rows) {
          const slot = store.slotOf(row);
          if (slot !== undefined && (matching === undefined || matching.has(slot))) slots.push(slot);
        }
      }
      const nearest = makeNearest();
      store.scan(query, nearest, slots);
      if (nearest.full && (matching === undefined || nearest.worst <= this.#reach(query, near))) return nearest;
      if (breadth >= store.size) break;
    }
    return undefined;
  }

  /** How far a walk's answer can be relied on: matches farther away may not be the nearest that there are. */
  #reach(query: Float32Array, rows: readonly number[]): number {
    const { store } = this.parts;
    const slot = store.slotOf(rows[Math.floor(reliable * rows.length)] ?? 0);
    return slot === undefined ? 0 : store.distanceTo(slot, query);
  }
}
