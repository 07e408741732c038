import hnswlib from 'hnswlib-node';
import type { Tuning } from './format.js';
import { type GraphInfo, type GraphLoad, loadGraph, saveGraph } from './graph-file.js';
import type { CatalogueIdentity } from './schema.js';
import type { Truth } from './truth.js';
import type { VectorStore } from './vector-store.js';

export interface GraphOptions {
  readonly folder: string;
  readonly store: VectorStore;
  readonly truth: Truth;
  readonly identity: CatalogueIdentity;
  readonly tuning: Tuning;
}

/** A graph that is built to take the place of one with too many deleted points. */
interface Renewal {
  readonly index: hnswlib.HierarchicalNSW;
  /** Rows that are not in it yet. */
  readonly pending: Set<number>;
  deleted: number;
}

/**
 * The HNSW graph over the vectors in the store, kept up with them in steps. Row numbers are its labels; a row's vector
 * never changes, so what is missing or superfluous is the difference of two sets of rows.
 */
export class Graph {
  readonly #options: GraphOptions;
  #index: hnswlib.HierarchicalNSW;
  /** Rows that are not in the graph yet, oldest first. */
  readonly #pending = new Set<number>();
  #deleted = 0;
  #changesSinceSave = 0;
  #savedItems = 0;
  /** Set while a graph is built from nothing, which is worth saving as soon as it is done. */
  #anew = false;
  #saving: Promise<void> | undefined;
  #renewal: Renewal | undefined;

  constructor(options: GraphOptions) {
    this.#options = options;
    this.#index = this.#emptyIndex();
  }

  /** Takes the saved graph if it can be trusted. Returns why not otherwise. */
  async load(): Promise<string | undefined> {
    const { folder, store, identity, truth } = this.#options;
    const loaded = await loadGraph(folder);
    const reason = loaded.ok ? mismatch(loaded.info, identity, truth) : loaded.reason;
    for (const row of store.rows()) this.#pending.add(row);
    if (!loaded.ok || reason !== undefined) {
      this.#anew = true;
      return reason;
    }
    this.#adopt(loaded);
    return undefined;
  }

  #adopt({ index }: GraphLoad & { ok: true }): void {
    this.#index = index;
    for (const row of index.getIdsList()) {
      if (this.#pending.delete(row)) continue;
      this.#deleted++;
      // Throws where the file has it marked already.
      try {
        index.markDelete(row);
        this.#changesSinceSave++;
      } catch {
        continue;
      }
    }
    this.#savedItems = index.getCurrentCount() - this.#deleted;
    this.#changesSinceSave += this.#pending.size;
  }

  /** Items that a walk can find. */
  get items(): number {
    return this.#index.getCurrentCount() - this.#deleted;
  }

  get pending(): ReadonlySet<number> {
    return this.#pending;
  }

  /** False while so much is missing that scanning everything is the better answer. */
  get usable(): boolean {
    return this.#pending.size <= this.#options.tuning.tail && this.items > 0;
  }

  /** True when there is nothing to add, here or to a graph that will take this one's place. */
  get done(): boolean {
    return this.#pending.size === 0 && this.#renewal === undefined;
  }

  /** True while a graph without the deleted points is built beside this one. */
  get renewing(): boolean {
    return this.#renewal !== undefined;
  }

  /** Deleted points among all, 0 … 1. */
  get tombstones(): number {
    return this.#deleted / Math.max(1, this.#index.getCurrentCount());
  }

  get saving(): Promise<void> | undefined {
    return this.#saving;
  }

  add(row: number): void {
    this.#pending.add(row);
    this.#renewal?.pending.add(row);
    this.#changesSinceSave++;
  }

  remove(row: number): void {
    this.#changesSinceSave++;
    const renewal = this.#renewal;
    if (renewal !== undefined && !renewal.pending.delete(row)) {
      renewal.index.markDelete(row);
      renewal.deleted++;
    }
    if (this.#pending.delete(row)) return;
    this.#index.markDelete(row);
    this.#deleted++;
    this.renewIfWorn();
  }

  /**
   * Starts to build a graph without the deleted points, when they are too many: searches walk among them in vain. Until
   * it is done this one is walked, and kept up.
   */
  renewIfWorn(): void {
    if (this.#renewal !== undefined || this.#index.getCurrentCount() < 100) return;
    if (this.tombstones <= this.#options.tuning.tombstones) return;
    this.#renewal = { index: this.#emptyIndex(), pending: new Set(this.#options.store.rows()), deleted: 0 };
  }

  /** Adds points for about `milliseconds`. Returns true when nothing is left to add. */
  step(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    this.#addUntil(end, this.#index, this.#pending);
    const renewal = this.#renewal;
    if (renewal !== undefined && this.#pending.size === 0) {
      this.#addUntil(end, renewal.index, renewal.pending);
      if (renewal.pending.size === 0) {
        this.#index = renewal.index;
        this.#deleted = renewal.deleted;
        this.#anew = true;
        this.#renewal = undefined;
      }
    }
    return this.done;
  }

  #addUntil(end: number, index: hnswlib.HierarchicalNSW, rows: Set<number>): void {
    const { store } = this.#options;
    for (const row of rows) {
      const slot = store.slotOf(row);
      if (slot !== undefined) {
        const count = index.getCurrentCount();
        if (count >= index.getMaxElements()) index.resizeIndex(count * 2);
        // hnswlib-node takes plain arrays only.
        index.addPoint(Array.from(store.at(slot)), row);
      }
      rows.delete(row);
      if (performance.now() >= end) break;
    }
  }

  /** The rows of the `count` nearest, roughly. */
  nearest(query: Float32Array, count: number): number[] {
    const k = Math.min(count, this.#index.getCurrentCount());
    if (k === 0) return [];
    this.#index.setEf(k);
    return this.#index.searchKnn(Array.from(query), k).neighbors;
  }

  /** True when what is on disk has fallen far enough behind to be worth writing while the work goes on. */
  get worthSaving(): boolean {
    return this.#anew || this.#changesSinceSave > Math.max(5000, this.#savedItems / 2);
  }

  /** Writes the cache if it is behind. @throws KindredError disk-full, folder-not-writable */
  async save(): Promise<void> {
    await this.#saving?.catch(() => undefined);
    const count = this.#index.getCurrentCount();
    if (this.#changesSinceSave === 0 && !this.#anew) return;
    if (count === 0) return;
    const { folder, identity, truth, tuning } = this.#options;
    const change = truth.lastChange();
    this.#changesSinceSave = this.#pending.size;
    this.#savedItems = this.items;
    if (this.#pending.size === 0) this.#anew = false;
    this.#saving = saveGraph(folder, this.#index, {
      count,
      dimension: identity.dimension,
      m: tuning.m,
      efConstruction: tuning.efConstruction,
      catalogue: identity.uuid,
      changeNumber: change.number,
      changeStamp: change.stamp,
    }).finally(() => (this.#saving = undefined));
    await this.#saving;
  }

  #emptyIndex(): hnswlib.HierarchicalNSW {
    const { store, tuning } = this.#options;
    const index = new hnswlib.HierarchicalNSW('l2', store.dimension);
    index.initIndex({
      maxElements: Math.max(1024, store.size),
      m: tuning.m,
      efConstruction: tuning.efConstruction,
      randomSeed: 100,
    });
    return index;
  }
}

function mismatch(info: GraphInfo, identity: CatalogueIdentity, truth: Truth): string | undefined {
  if (info.catalogue !== identity.uuid || info.dimension !== identity.dimension) {
    return 'the graph belongs to another catalogue';
  }
  if (!truth.hasChange(info.changeNumber, info.changeStamp)) {
    return 'the graph knows changes that the catalogue does not';
  }
  return undefined;
}
