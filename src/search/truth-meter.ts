import type { Catalogue, SearchOptions } from '../indexing/catalogue.js';

/** What the meter says: of the queries it has checked, how much of the exact answer was given. */
export interface TruthSnapshot {
  /** Of the live queries, how many are checked, 0 … 1. */
  readonly share: number;
  /** Mean of the last `checked` queries, at most `window` of them; null before the first. */
  readonly recallAt10: number | null;
  readonly checked: number;
  readonly window: number;
  /** Waiting for an idle moment. */
  readonly waiting: number;
  /** Since the start: checked, given up because too many waited, and because something was written meanwhile. */
  readonly total: { readonly checked: number; readonly dropped: number; readonly stale: number };
}

export interface TruthMeter {
  /** A live query is at work; nothing is checked meanwhile. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** A live query, of which a share is checked. Exact ones need no check. */
  sample(vector: Float32Array, options: Omit<SearchOptions, 'limit' | 'after'>): void;
  snapshot(): TruthSnapshot;
  /** Checks nothing any more. */
  close(): void;
}

export interface TruthMeterOptions {
  readonly catalogue: Pick<Catalogue, 'recall'>;
  readonly share: number;
  /** Queries that the figure is the mean of. */
  readonly window?: number;
  /** Queries that may wait; of more, the oldest are given up. */
  readonly queue?: number;
  /** So long after the last live query it may begin. */
  readonly idleMs?: number;
  /** 0 … 1, evenly; for tests. */
  readonly random?: () => number;
}

export const defaultTruthShare = 0.01;

/**
 * Asks a share of the live queries again, both as they were answered and of every vector, and keeps the mean recall@10.
 * It waits until nothing is being searched for, and the catalogue compares in steps between other calls: live queries
 * are not held up.
 */
export function createTruthMeter(options: TruthMeterOptions): TruthMeter {
  const { catalogue, share, window = 1000, queue: room = 64, idleMs = 50, random = Math.random } = options;
  const waiting: { vector: Float32Array; options: SearchOptions }[] = [];
  const recalls: number[] = [];
  const total = { checked: 0, dropped: 0, stale: 0 };
  let live = 0;
  let checking = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const checkOne = async (): Promise<void> => {
    const next = waiting.shift();
    if (next === undefined) return;
    checking = true;
    try {
      const recall = await catalogue.recall(next.vector, next.options);
      if (recall === null) total.stale++;
      else {
        total.checked++;
        recalls.push(recall);
        if (recalls.length > window) recalls.shift();
      }
    } catch {
      // A field that is gone, or a catalogue that is closed: not a matter of the live query, which was answered.
      total.stale++;
    } finally {
      checking = false;
      arm();
    }
  };

  const arm = (): void => {
    clearTimeout(timer);
    if (closed || checking || live > 0 || waiting.length === 0) return;
    timer = setTimeout(() => void checkOne(), idleMs);
    timer.unref();
  };

  return {
    async during(work) {
      live++;
      clearTimeout(timer);
      try {
        return await work();
      } finally {
        live--;
        arm();
      }
    },
    sample(vector, { exact, ...rest }) {
      if (exact === true || closed || random() >= share) return;
      waiting.push({ vector, options: { ...rest, limit: 10 } });
      if (waiting.length > room) {
        waiting.shift();
        total.dropped++;
      }
    },
    snapshot: () => ({
      share,
      recallAt10: recalls.length === 0 ? null : recalls.reduce((sum, one) => sum + one, 0) / recalls.length,
      checked: recalls.length,
      window,
      waiting: waiting.length,
      total: { ...total },
    }),
    close() {
      closed = true;
      clearTimeout(timer);
      waiting.length = 0;
    },
  };
}
