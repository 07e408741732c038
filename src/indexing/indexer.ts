import type { EmbedOutcome } from '../core/embedder.js';
import { type ErrorCode, isSystemError, KindredError } from '../core/errors.js';
import { sha256File } from '../core/hashing.js';
import { silent } from '../core/progress.js';
import type { NewItem } from './catalogue.js';
import { idProblem, sameMetadata } from './item-rules.js';
import { referPicture } from './keep-picture.js';
import type { SkippedItem, SourceItem, SyncOptions, SyncSummary } from './sync-types.js';

/** Items a transaction holds: each costs one sync of the disk. */
const itemsPerPut = 256;
/** Calls to the embedder at a time: while one's outcomes are stored, the next ones keep its workers busy. */
const callsInFlight = 3;

type Fate = 'added' | 'replaced' | 'metadataChanged';

/**
 * Brings a catalogue in line with a source. Pictures whose bytes are the same are neither decoded nor embedded again. On
 * abort, what was embedded is stored before it throws; running again goes on from there.
 * @throws KindredError interrupted; with `strict`, the first picture's fault; whatever the catalogue or embedder throws
 */
export async function syncIndex(options: SyncOptions): Promise<SyncSummary> {
  const sync = new Sync(options);
  return sync.run();
}

class Sync {
  readonly #options: SyncOptions;
  readonly #counts = { added: 0, replaced: 0, metadataChanged: 0, unchanged: 0 };
  readonly #skipped: SkippedItem[] = [];
  readonly #seen = new Set<string>();
  #known = new Map<string, string>();
  #buffer: { item: NewItem; fate: Fate }[] = [];
  #fault: unknown;
  #done = 0;
  #stored = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  async run(): Promise<SyncSummary> {
    const { catalogue, embedder, source, signal } = this.#options;
    this.#known = await catalogue.contentHashes();
    const running = new Set<Promise<void>>();
    let batch: SourceItem[] = [];
    const start = async (): Promise<void> => {
      const task = this.#process(batch).catch((error: unknown) => {
        this.#fault ??= error;
      });
      batch = [];
      const tracked = task.finally(() => running.delete(tracked));
      running.add(tracked);
      if (running.size >= callsInFlight) await Promise.race(running);
    };
    for await (const item of source) {
      if (this.#stopped(signal)) break;
      if (!this.#acceptable(item)) continue;
      batch.push(item);
      if (batch.length >= embedder.preferredBatch) await start();
    }
    if (batch.length > 0 && !this.#stopped(signal)) await start();
    await Promise.all(running);
    await this.#flush();
    if (this.#fault !== undefined) throw asError(this.#fault);
    if (signal?.aborted) {
      throw new KindredError('interrupted', `stopped early; ${this.#stored} items were stored by this run`, {
        hint: 'Run the same command again to go on from there.',
      });
    }
    return this.#finish();
  }

  #stopped(signal: AbortSignal | undefined): boolean {
    return this.#fault !== undefined || signal?.aborted === true;
  }

  async #finish(): Promise<SyncSummary> {
    const { catalogue, prune } = this.#options;
    const vanished = [...this.#known.keys()].filter((id) => !this.#seen.has(id));
    let pruned = 0;
    for (let i = 0; prune && i < vanished.length; i += itemsPerPut) {
      pruned += await catalogue.delete(vanished.slice(i, i + itemsPerPut));
    }
    return { ...this.#counts, vanished, pruned, skipped: this.#skipped };
  }

  #acceptable(item: SourceItem): boolean {
    const fault = idProblem(item.id);
    if (fault !== undefined) this.#skip(item, 'invalid-request', `its id ${fault}`);
    else if (this.#seen.has(item.id)) this.#skip(item, 'invalid-request', 'its id occurs twice');
    else {
      this.#seen.add(item.id);
      return true;
    }
    return false;
  }

  #skip(item: SourceItem, code: ErrorCode, message: string): void {
    this.#skipped.push({ id: item.id, path: item.path, code, message });
    if (this.#options.strict) {
      this.#fault ??= new KindredError(code, `${item.path}: ${message}`, {
        hint: 'Repair or remove it, or leave --strict away to skip such pictures.',
      });
    }
    this.#advance();
  }

  #advance(): void {
    const { source, progress = silent } = this.#options;
    this.#done++;
    const total = 'length' in source ? { total: source.length } : {};
    progress({ stage: 'indexing', done: this.#done, ...total });
  }

  async #process(batch: readonly SourceItem[]): Promise<void> {
    const changed = await Promise.all(batch.map((item) => this.#needsEmbedding(item)));
    const wanted = batch.filter((_, index) => changed[index]);
    if (wanted.length > 0) await this.#embed(wanted);
    if (this.#buffer.length >= itemsPerPut) await this.#flush();
  }

  async #embed(wanted: readonly SourceItem[]): Promise<void> {
    const outcomes = await this.#options.embedder.embed(wanted.map(({ path }) => ({ image: { path }, hash: true })));
    await Promise.all(wanted.map((item, index) => this.#take(item, outcomes[index])));
  }

  async #take(item: SourceItem, outcome: EmbedOutcome | undefined): Promise<void> {
    if (!outcome) throw new KindredError('internal', 'the embedder gave fewer outcomes than it was asked for');
    if (!outcome.ok) {
      this.#skip(item, outcome.error.code, outcome.error.message);
      return;
    }
    const { embedding, width, height, contentHash } = outcome;
    if (contentHash === null) throw new KindredError('internal', 'the embedder gave no hash, though asked for one');
    const imagePath = await this.#keep(item, contentHash);
    if (imagePath === null) return;
    const { id, label, metadata } = item;
    const fate = this.#known.has(id) ? 'replaced' : 'added';
    const stored = { id, label, metadata, imagePath, width, height, contentHash, embedding };
    this.#buffer.push({ item: stored, fate });
    this.#advance();
  }

  /** Null when it cannot be kept, because it has changed or is gone. */
  async #keep(item: SourceItem, hash: string): Promise<string | null> {
    const { keep = referPicture } = this.#options;
    try {
      return await keep(item.path, hash);
    } catch (error) {
      const changed = error instanceof KindredError && error.code === 'image-unreadable';
      if (!changed && !isSystemError(error, 'ENOENT')) throw error;
      this.#skip(item, changed ? error.code : 'image-missing', changed ? error.message : 'no such file');
      return null;
    }
  }

  /** False when the picture is known; what else has changed of the item is then dealt with. */
  async #needsEmbedding(item: SourceItem): Promise<boolean> {
    const known = this.#known.get(item.id);
    if (known === undefined) return true;
    try {
      if ((await sha256File(item.path)) !== known) return true;
    } catch (error) {
      const missing = isSystemError(error, 'ENOENT');
      this.#skip(item, missing ? 'image-missing' : 'image-unreadable', missing ? 'no such file' : String(error));
      return false;
    }
    const { catalogue } = this.#options;
    const stored = await catalogue.get(item.id);
    if (!stored) return true;
    const { label, metadata } = item;
    const imagePath = await this.#keep(item, known);
    if (imagePath === null) return false;
    if (stored.label === label && stored.imagePath === imagePath && sameMetadata(stored.metadata, metadata)) {
      this.#counts.unchanged++;
      this.#advance();
      return false;
    }
    const embedding = await catalogue.embedding(item.id);
    if (!embedding) return true;
    this.#buffer.push({ item: { ...stored, label, metadata, imagePath, embedding }, fate: 'metadataChanged' });
    this.#advance();
    return false;
  }

  async #flush(): Promise<void> {
    const batch = this.#buffer;
    this.#buffer = [];
    if (batch.length === 0) return;
    await this.#options.catalogue.put(batch.map(({ item }) => item));
    for (const { fate } of batch) this.#counts[fate]++;
    this.#stored += batch.length;
  }
}

function asError(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(String(fault));
}
