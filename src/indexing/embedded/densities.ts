import { densityNeighbours, localDensity } from '../../core/local-density.js';
import type { DensityStore, StoredDensity } from './density-store.js';
import type { DensityTable } from './density-table.js';
import type { Tuning } from './format.js';
import type { Searcher } from './search.js';
import type { Truth } from './truth.js';
import type { VectorStore } from './vector-store.js';

/** Neighbours of a new or a gone vector among which those are looked for whose own density it changes. */
const affectedNeighbours = 32;

/** Computed densities that are written in one transaction. */
const perSave = 1000;

export interface DensitiesOptions {
  readonly table: DensityTable;
  readonly saved: DensityStore;
  readonly store: VectorStore;
  readonly searcher: Searcher;
  readonly truth: Truth;
  readonly tuning: Tuning;
}

/**
 * Keeps every item's local density up to date, in steps. A vector that comes or goes makes those of its 32 nearest stale
 * that it is nearer to than their tenth neighbour. A lonely item whose tenth neighbour is in a crowd may be missed by
 * that, and changes little by it; when a quarter of the vectors has changed, everything is computed anew.
 */
export class Densities {
  readonly #options: DensitiesOptions;
  /** New rows, whose neighbours have to hear of them. */
  readonly #arrived = new Set<number>();
  /** Vectors that are gone. */
  #departed: Float32Array[] = [];
  /** Rows whose density is missing or out of date. */
  readonly #stale = new Set<number>();
  #unsaved: StoredDensity[] = [];
  #gone: number[] = [];
  #changed = 0;
  #broughtTo: number;

  constructor(options: DensitiesOptions) {
    this.#options = options;
    this.#broughtTo = options.saved.changeNumber();
  }

  /** The change up to which every density is up to date; −1 where that never happened. */
  get changeNumber(): number {
    return this.#broughtTo;
  }

  /** True while there is something to do. */
  get behind(): boolean {
    return this.#working || this.#unsaved.length > 0 || this.#broughtTo !== this.#lastChange();
  }

  get #working(): boolean {
    return this.#stale.size > 0 || this.#arrived.size > 0 || this.#departed.length > 0;
  }

  /** Takes what is saved, once the vectors are there. What is older than the last change is stale if work was left. */
  load(): void {
    const { table, saved, store } = this.#options;
    const last = this.#lastChange();
    const clean = this.#broughtTo === last;
    for (const entry of saved.load()) {
      const slot = store.slotOf(entry.row);
      if (slot === undefined) this.#gone.push(entry.row);
      else table.set(slot, entry);
    }
    for (const row of store.rows()) {
      const change = table.changeAt(store.slotOf(row) ?? -1);
      if (Number.isNaN(change) || (!clean && change !== last)) this.#stale.add(row);
    }
  }

  add(row: number): void {
    this.#changed++;
    this.#arrived.add(row);
    this.#overhaulWhenDue();
  }

  /** Call it while the vector is still in the store. */
  remove(row: number): void {
    const { table, store } = this.#options;
    const slot = store.slotOf(row);
    if (slot === undefined) return;
    this.#changed++;
    this.#gone.push(row);
    this.#stale.delete(row);
    // One that nobody has heard of yet is in nobody's density.
    if (!this.#arrived.delete(row)) this.#departed.push(store.at(slot).slice());
    table.clear(slot);
    this.#overhaulWhenDue();
  }

  #overhaulWhenDue(): void {
    const { store, tuning } = this.#options;
    if (this.#changed <= tuning.densityOverhaul * store.size) return;
    for (const row of store.rows()) this.#stale.add(row);
    this.#changed = 0;
    this.#arrived.clear();
    this.#departed = [];
  }

  /** Computes for about `milliseconds`. */
  step(milliseconds: number): void {
    const end = performance.now() + milliseconds;
    const change = this.#lastChange();
    do {
      if (!this.#advance(change)) break;
    } while (performance.now() < end);
  }

  /** Writes what is due. @throws KindredError disk-full */
  save(force = false): void {
    const done = !this.#working;
    if (!force && !done && this.#unsaved.length < perSave) return;
    const last = this.#lastChange();
    if (this.#unsaved.length === 0 && this.#gone.length === 0 && (!done || this.#broughtTo === last)) return;
    this.#options.saved.save(this.#unsaved, this.#gone, done ? last : undefined);
    this.#unsaved = [];
    this.#gone = [];
    if (!done) return;
    this.#broughtTo = last;
    this.#changed = 0;
  }

  #lastChange(): number {
    return this.#options.truth.lastChange().number;
  }

  /** One search; false when nothing is left to do. */
  #advance(change: number): boolean {
    const departed = this.#departed.pop();
    if (departed !== undefined) {
      const near = this.#options.searcher.nearest(departed, { limit: affectedNeighbours });
      this.#tell(near, change);
      return true;
    }
    const [arrived] = this.#arrived;
    if (arrived !== undefined) {
      this.#arrived.delete(arrived);
      this.#tell(this.#compute(arrived, change, affectedNeighbours), change);
      return true;
    }
    const [stale] = this.#stale;
    if (stale === undefined) return false;
    this.#compute(stale, change, densityNeighbours);
    return true;
  }

  /** Computes one density. Returns the neighbours it found on the way. */
  #compute(row: number, change: number, limit: number): { distance: number; slot: number }[] {
    const { table, store, searcher } = this.#options;
    this.#stale.delete(row);
    const slot = store.slotOf(row);
    if (slot === undefined) return [];
    const near = searcher.nearest(store.at(slot), { limit }, [slot]);
    const distances = near.slice(0, densityNeighbours).map(({ distance }) => distance);
    const radius = distances.length < densityNeighbours ? Infinity : (distances.at(-1) ?? Infinity);
    const entry = { density: localDensity(distances), radius, change };
    table.set(slot, entry);
    this.#unsaved.push({ row, ...entry });
    return near;
  }

  #tell(near: readonly { distance: number; slot: number }[], change: number): void {
    const { table, store } = this.#options;
    for (const { distance, slot } of near) {
      if (distance <= table.radiusAt(slot) && table.changeAt(slot) !== change) this.#stale.add(store.rowAt(slot));
    }
  }
}
