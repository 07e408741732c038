import { setImmediate } from 'node:timers/promises';
import { hashesOf, nearPairs } from '../../core/near-hashes.js';
import { sameHashBits } from '../../data/perceptual-hash.js';
import type { Match } from './groups.js';

/** More pairs of near hashes than this for each item: the pictures are drawings that hash alike, and no evidence. */
const mostPairsEach = 50;

/** A server's event loop is held up no longer than this. */
const turnMs = 10;

/** Hashes that differ in more bits than `sameHashBits`, up to this, are a hint that the embeddings must confirm. With 12 the lookup takes five times as long. */
export const hintBits = 10;

export interface NearInput {
  /** By item: its content hash, or null. Of items with the same one, the first alone is compared. */
  readonly contents: readonly (string | null)[];
  /** By item: its perceptual hash, or null where there is none. */
  readonly perceptual: readonly (string | null)[];
  /** Squared distance of two items' embeddings; absent where there are none. */
  readonly distance?: ((a: number, b: number) => number) | undefined;
  /** With `distance`: embeddings no further apart than this confirm a hint. */
  readonly sameDistance?: number | undefined;
}

export interface NearMatches {
  readonly matches: readonly Match[];
  /** False when the pictures were too many that hash alike, so that not all pairs were looked at. */
  readonly complete: boolean;
}

/**
 * Pictures that look the same without having the same bytes: perceptual hashes that differ in at most `sameHashBits` bits,
 * or in at most `hintBits` where the embeddings are near, too (a cropped copy).
 */
export async function nearMatches({ contents, perceptual, distance, sameDistance }: NearInput): Promise<NearMatches> {
  const seen = new Set<string>();
  const compared = perceptual.flatMap((hash, at) => {
    const content = contents[at] ?? null;
    if (hash === null || (content !== null && seen.has(content))) return [];
    if (content !== null) seen.add(content);
    return [{ at, hash }];
  });
  const words = hashesOf(compared.map(({ hash }) => hash));
  const most = mostPairsEach * Math.max(100, compared.length);
  const matches: Match[] = [];
  let pairs = 0;
  let turn = performance.now();
  for (const pair of nearPairs(words, distance === undefined ? sameHashBits : hintBits)) {
    if (pair === null) {
      if (performance.now() - turn < turnMs) continue;
      await setImmediate();
      turn = performance.now();
      continue;
    }
    if (++pairs > most) return { matches, complete: false };
    const [a, b] = [compared[pair.i]?.at ?? 0, compared[pair.j]?.at ?? 0];
    const apart = distance?.(a, b) ?? null;
    if (pair.distance <= sameHashBits || (apart !== null && apart <= (sameDistance ?? 0)))
      matches.push({ a, b, exact: false, bits: pair.distance, distance: apart });
  }
  return { matches, complete: true };
}
