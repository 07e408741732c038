import { createLimiter, type Limiter } from './limiter.js';

export interface QueueLimits {
  /** Image queries at work or waiting for the embedder; more are told to come back. */
  readonly imageQueries: number;
  /** Of these, pictures that the embedder has at once; the others wait where they can be called off. */
  readonly embeddings: number;
  /** Searches by id or vector, and reads of items, at once. */
  readonly searches: number;
  /** Writes at work or waiting; more are told to come back. */
  readonly writes: number;
}

/** What a request needs a place in before its body is read. */
export type QueueName = 'images' | 'searches' | 'writes';

export interface Queues extends Readonly<Record<QueueName, Limiter>> {
  /** Pictures that are read and wait to be embedded; whose client has gone loses its turn. */
  readonly embeddings: Limiter;
}

/**
 * The bounds of a server. Bodies are read within a place, so the places bound the memory of uploads. Embedding has a queue
 * of its own, for a slow sender holds a place and must not hold an embedder's worker.
 */
export function createQueues(limits: QueueLimits): Queues {
  return {
    images: createLimiter({ what: 'image queries', running: limits.imageQueries, waiting: 0 }),
    searches: createLimiter({ what: 'searches', running: limits.searches, waiting: 0 }),
    writes: createLimiter({ what: 'writes', running: limits.writes, waiting: 0 }),
    embeddings: createLimiter({
      what: 'image queries',
      running: limits.embeddings,
      waiting: limits.imageQueries + limits.searches,
    }),
  };
}
