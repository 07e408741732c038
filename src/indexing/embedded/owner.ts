import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { KindredError } from '../../core/errors.js';
import type { CatalogueStats, PutOutcome, SearchOptions } from '../catalogue.js';
import { Densities } from './densities.js';
import { DensityRefresh } from './density-refresh.js';
import { DensityStore } from './density-store.js';
import { DensityTable } from './density-table.js';
import { databaseFile, graphFile } from './format.js';
import { FilterSets } from './filter-sets.js';
import { Graph } from './graph.js';
import { bytesOf } from './graph-file.js';
import { GroupCommit } from './group-commit.js';
import type { Opened, OwnerCalls, OwnerHandlers, OwnerOptions } from './protocol.js';
import { Reader } from './reader.js';
import { measureRecall } from './recall.js';
import { type CatalogueIdentity, closeDatabase, openDatabase } from './schema.js';
import { Searcher } from './search.js';
import { readTogether } from './statements.js';
import { StoredItems } from './stored-items.js';
import { Truth, type VectorChange } from './truth.js';
import { VectorStore } from './vector-store.js';

/**
 * The one owner of a catalogue's database, vectors and graph. Everything in it is synchronous but for saving, copying
 * and waiting, so calls are answered one after another; the graph grows in small steps between them.
 */
export class Owner {
  readonly #options: OwnerOptions;
  readonly #db: Database.Database;
  readonly #identity: CatalogueIdentity;
  readonly #truth: Truth;
  readonly #commits: GroupCommit;
  readonly #reader: Reader;
  readonly #store: VectorStore;
  readonly #graph: Graph;
  readonly #table = new DensityTable();
  readonly #filters: FilterSets;
  readonly #searcher: Searcher;
  readonly #items: StoredItems;
  #writes = 0;
  readonly #densities: Densities;
  readonly #refresh: DensityRefresh;
  #stepping = false;
  #buildable = true;
  #closing = false;
  #waiting: (() => void)[] = [];
  #saveFault: Error | undefined;
  #stats: Omit<CatalogueStats, 'graph' | 'densities' | 'bytes'> | undefined;

  /** @throws KindredError as openDatabase does */
  constructor(options: OwnerOptions, open = openDatabase) {
    const { folder, readOnly, create, tuning } = options;
    this.#options = options;
    const { db, identity } = open({ path: join(folder, databaseFile), readOnly, create });
    this.#db = db;
    this.#identity = identity;
    this.#truth = new Truth(db);
    this.#commits = new GroupCommit(db);
    this.#reader = new Reader(db);
    this.#store = new VectorStore(identity.dimension, Math.max(1024, this.#reader.count()));
    this.#graph = new Graph({ folder, store: this.#store, truth: this.#truth, identity, tuning });
    const parts = { store: this.#store, truth: this.#truth };
    this.#filters = new FilterSets({ store: this.#store, reader: this.#reader });
    this.#searcher = new Searcher({
      ...parts,
      reader: this.#reader,
      graph: this.#graph,
      filters: this.#filters,
      densities: this.#table,
      tuning,
    });
    this.#items = new StoredItems({
      store: this.#store,
      reader: this.#reader,
      densities: this.#table,
      searcher: this.#searcher,
    });
    this.#densities = new Densities({
      ...parts,
      table: this.#table,
      saved: new DensityStore(db),
      tuning,
      searcher: this.#searcher,
    });
    this.#refresh = new DensityRefresh({
      densities: this.#densities,
      tuning,
      mayWork: () => this.#graph.pending.size === 0 && !readOnly,
      onDone: () => this.#release(),
    });
  }

  readonly handlers: OwnerHandlers = {
    open: () => this.#open(),
    put: (args) => this.#put(args),
    delete: ({ ids, condition }) => {
      this.#refuseWhenReadOnly();
      return this.#commits.run(
        () => this.#truth.delete(ids, condition),
        (changes) => {
          this.#apply(changes);
          return changes.length;
        },
      );
    },
    get: (id) => this.#reader.get(id) ?? null,
    lookup: (id) => readTogether(this.#db, () => this.#items.lookup(id)),
    embedding: (id) => this.#items.embedding(id),
    densities: (ids) => ids.map((id) => this.#items.density(id)),
    contentHashes: () => this.#reader.contentHashes(),
    changesSince: ({ number, limit }) => this.#truth.changesSince(number, limit),
    scan: (options) => this.#searcher.scan(options),
    densityAt: ({ vector, options }) => this.#searcher.densityAt(vector, options),
    search: ({ vector, options }) => readTogether(this.#db, () => this.#searcher.search(vector, options)),
    searchFrom: ({ id, options }) => readTogether(this.#db, () => this.#items.searchFrom(id, options)),
    recall: ({ vector, options }) => this.#recall(vector, options),
    stats: () => this.#readStats(),
    settled: () => this.#settled(),
    close: () => this.#close(),
  };

  async #open(): Promise<Opened> {
    const { dimension, fingerprint } = this.#identity;
    for (const row of this.#truth.load(dimension)) {
      const vector = new Float32Array(dimension);
      // A blob may start anywhere in memory; a Float32Array may not.
      new Uint8Array(vector.buffer).set(row.embedding);
      this.#store.add(row.row, row.id, vector);
    }
    this.#densities.load();
    const fault = await this.#graph.load();
    if (!this.#options.readOnly) this.#graph.renewIfWorn();
    const notes = fault !== undefined && this.#store.size > 0 ? [`building the graph anew: ${fault}`] : [];
    this.#buildable = !(this.#options.readOnly && fault !== undefined);
    this.#startStepping();
    return { dimension, fingerprint, notes: this.#buildable ? notes : [] };
  }

  #put({ items, embeddings, condition }: OwnerCalls['put']['args']): Promise<PutOutcome[]> {
    this.#refuseWhenReadOnly();
    const { dimension } = this.#identity;
    const whole = items.map((item, index) => ({
      ...item,
      embedding: embeddings.subarray(index * dimension, (index + 1) * dimension),
    }));
    return this.#commits.run(
      () => this.#truth.put(whole, condition),
      ({ outcomes, changes }) => {
        if (changes.length > 0) this.#apply(changes);
        return outcomes;
      },
    );
  }

  /** Only what is committed reaches memory. */
  #apply(changes: readonly VectorChange[]): void {
    this.#stats = undefined;
    this.#writes++;
    this.#refresh.written();
    for (const change of changes) {
      this.#reader.written(change.row);
      if (change.op === 'add') {
        this.#store.add(change.row, change.item.id, change.item.embedding);
        this.#graph.add(change.row);
        this.#densities.add(change.row);
      }
      const slot = this.#store.slotOf(change.row);
      if (slot === undefined) continue;
      if (change.op === 'remove') {
        this.#filters.removed(slot);
        this.#densities.remove(change.row);
        this.#store.remove(change.row);
        this.#graph.remove(change.row);
      } else {
        this.#filters.written(slot, change.item);
      }
    }
    this.#startStepping();
  }

  #recall(vector: Float32Array, options: SearchOptions): Promise<number | null> {
    const { chunkMs } = this.#options.tuning;
    const writes = (): number => (this.#closing ? NaN : this.#writes);
    return measureRecall({ store: this.#store, searcher: this.#searcher, writes, chunkMs }, vector, options);
  }

  #startStepping(): void {
    if (this.#stepping || this.#closing || !this.#buildable) return;
    if (this.#graph.done) {
      if (this.#options.readOnly) this.#release();
      else this.#refresh.start();
      return;
    }
    this.#stepping = true;
    setImmediate(() => {
      this.#stepping = false;
      if (this.#closing) return;
      const done = this.#graph.step(this.#options.tuning.chunkMs);
      if (done && !this.#options.readOnly && this.#graph.worthSaving && !this.#graph.saving) {
        this.#graph.save().catch((error: unknown) => {
          this.#saveFault = error instanceof Error ? error : new Error(String(error));
        });
      }
      this.#startStepping();
    });
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #settled(): Promise<undefined> {
    const graphDone = this.#graph.done || !this.#buildable;
    if (!graphDone || (!this.#options.readOnly && !this.#refresh.done)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        this.#refresh.hurry();
      });
    }
    await this.#graph.saving?.catch(() => undefined);
  }

  #readStats(): CatalogueStats {
    const { folder } = this.#options;
    this.#stats ??= this.#countAll();
    const path = join(folder, databaseFile);
    const building = this.#graph.pending.size > 0;
    return {
      ...this.#stats,
      graph: {
        state: !this.#buildable ? 'none' : building ? 'building' : 'ready',
        items: this.#graph.items,
        pending: this.#buildable ? this.#graph.pending.size : 0,
      },
      densities: { items: this.#table.known, changeNumber: Math.max(0, this.#densities.changeNumber) },
      bytes: bytesOf([path, `${path}-wal`, join(folder, graphFile)]),
    };
  }

  #countAll(): Omit<CatalogueStats, 'graph' | 'densities' | 'bytes'> {
    const { dimension, fingerprint } = this.#identity;
    const fields = this.#reader.fields();
    return {
      items: this.#reader.count(),
      labels: fields.find(({ field }) => field === 'label')?.distinct ?? 0,
      dimension,
      fingerprint,
      changeNumber: this.#truth.lastChange().number,
      fields,
    };
  }

  #refuseWhenReadOnly(): void {
    if (this.#options.readOnly) {
      throw new KindredError('folder-not-writable', `${this.#options.folder} was opened to read only`);
    }
  }

  async #close(): Promise<undefined> {
    this.#commits.flush();
    this.#closing = true;
    this.#refresh.stop();
    try {
      if (!this.#options.readOnly) {
        // What is left of a long build is left to the next opening; a short rest is finished now.
        if (!this.#graph.renewing && this.#graph.pending.size <= this.#options.tuning.tail) this.#graph.step(Infinity);
        await this.#graph.save();
        this.#densities.save(true);
        if (this.#saveFault !== undefined && this.#graph.worthSaving) throw this.#saveFault;
      }
    } finally {
      this.#release();
      closeDatabase(this.#db);
    }
  }
}
