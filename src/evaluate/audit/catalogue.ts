import { KindredError } from '../../core/errors.js';
import { type ReportProgress, silent } from '../../core/progress.js';
import { mapConcurrent } from '../../data/concurrency.js';
import { decodeImage } from '../../data/decode.js';
import { hashedSize, perceptualHash } from '../../data/perceptual-hash.js';
import type { Catalogue, CatalogueItem } from '../../indexing/catalogue.js';
import { exactMatches, groupMatches, type Match, type MatchGroup } from './groups.js';
import { findMislabelled } from './mislabelled.js';
import { nearMatches } from './near-matches.js';
import { readNeighbourhood, type Neighbourhood } from './neighbourhood.js';
import { findOutliers } from './outliers.js';

export interface AuditNeighbour {
  readonly item: CatalogueItem;
  /** Squared Euclidean, 0 … 4. */
  readonly distance: number;
}

/** Items that show the same picture. */
export interface DuplicateGroup {
  /** 'exact': all have the same bytes. */
  readonly kind: 'exact' | 'near';
  readonly items: readonly CatalogueItem[];
  /** Most bits of 64 in which two matched perceptual hashes differ; null where the embeddings alone say so. */
  readonly bits: number | null;
  /** Largest squared distance of two matched embeddings. */
  readonly distance: number;
  /** The different labels; more than one is a contradiction. */
  readonly labels: readonly string[];
}

export interface OutlierFinding {
  readonly item: CatalogueItem;
  readonly density: number;
  readonly nearest: readonly AuditNeighbour[];
}

export interface MislabelledFinding {
  readonly item: CatalogueItem;
  readonly suggested: string;
  readonly confidence: number;
  readonly neighbours: readonly AuditNeighbour[];
}

export interface CatalogueAudit {
  /** The catalogue's last change when the audit began. */
  readonly changeNumber: number;
  readonly items: number;
  /** Items whose picture was read. */
  readonly pictures: number;
  /** Items whose picture is gone or cannot be read. */
  readonly unreadable: number;
  /** False when too many pictures hash alike for all pairs to be looked at. */
  readonly complete: boolean;
  readonly duplicates: readonly DuplicateGroup[];
  /** Median density of all items, and the density below which one is an outlier; null for fewer than two items. */
  readonly density: { readonly median: number | null; readonly fence: number | null };
  readonly outliers: readonly OutlierFinding[];
  readonly mislabelled: readonly MislabelledFinding[];
}

/** Perceptual hash of an item's picture: null for a plain one, undefined when there is none that can be read. */
export type HashPicture = (item: CatalogueItem) => Promise<string | null | undefined>;

/** Reads pictures from their paths; a picture that was read is remembered by its content hash. */
export function createPictureHasher(): HashPicture {
  const known = new Map<string, string | null>();
  return async ({ imagePath, contentHash }) => {
    const kept = known.get(contentHash);
    if (kept !== undefined) return kept;
    if (imagePath === null) return undefined;
    try {
      const hash = perceptualHash(await decodeImage({ path: imagePath }, { size: hashedSize }));
      known.set(contentHash, hash);
      return hash;
    } catch (error) {
      if (error instanceof KindredError) return undefined;
      throw error;
    }
  };
}

export interface AuditOptions {
  readonly hashPicture: HashPicture;
  /** Pictures in hand at a time; default: enough for all cores. A server that answers queries meanwhile takes 1. */
  readonly picturesAtOnce?: number | undefined;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

/** Embeddings this near are of the same picture, whatever is known of it: rounding and a re-encoded picture. */
const sameEmbedding = 1e-4;

/** Share of the median distance to the nearest other item: no further apart are the embeddings of a slightly cropped copy. */
const sameShare = 0.5;

/** Neighbours shown as evidence. */
const shown = 5;

function medianNearest({ items, k, distances }: Neighbourhood): number {
  const nearest = items.map((_, at) => distances[at * k] ?? Infinity).filter((distance) => distance < Infinity);
  return nearest.sort((a, b) => a - b)[Math.floor(nearest.length / 2)] ?? 0;
}

/** Pairs of neighbours whose embeddings coincide. */
function embeddingMatches({ items, k, indices, distances }: Neighbourhood): Match[] {
  return items.flatMap((_, a) =>
    Array.from(indices.subarray(a * k, (a + 1) * k)).flatMap((b, place): Match[] => {
      const distance = distances[a * k + place] ?? Infinity;
      return b > a && distance <= sameEmbedding ? [{ a, b, exact: false, bits: null, distance }] : [];
    }),
  );
}

function describeGroup({ members, matches }: MatchGroup, { items, distance }: Neighbourhood): DuplicateGroup {
  const found = members.flatMap((at) => items[at] ?? []);
  const bits = matches.flatMap((match) => match.bits ?? []);
  return {
    kind: new Set(found.map(({ contentHash }) => contentHash)).size === 1 ? 'exact' : 'near',
    items: found,
    bits: bits.length === 0 ? null : Math.max(...bits),
    distance: matches.reduce((most, { a, b }) => Math.max(most, distance(a, b)), 0),
    labels: [...new Set(found.flatMap(({ label }) => label ?? []))],
  };
}

/**
 * Looks through a catalogue for what its owner may want to set right: duplicates (by content hash, by perceptual hash, by
 * embedding), outliers by local density, items likely mislabelled. Works through the catalogue's contract, in small turns.
 * @throws KindredError interrupted, and whatever the catalogue throws
 */
export async function auditCatalogue(catalogue: Catalogue, options: AuditOptions): Promise<CatalogueAudit> {
  const { hashPicture, progress = silent, signal = new AbortController().signal } = options;
  const { changeNumber } = await catalogue.stats();
  const hood = await readNeighbourhood(catalogue, { progress, signal });
  const { items, k, indices } = hood;
  const hashes = await mapConcurrent(items, hashPicture, {
    signal,
    atOnce: options.picturesAtOnce,
    done: (done) => progress({ stage: 'reading pictures', done, total: items.length }),
  });
  const contents = items.map(({ contentHash }) => contentHash);
  const perceptual = hashes.map((hash) => hash ?? null);
  const near = await nearMatches({
    contents,
    perceptual,
    distance: hood.distance,
    sameDistance: sameShare * medianNearest(hood),
  });
  const groups = groupMatches([...exactMatches(contents), ...near.matches, ...embeddingMatches(hood)]);
  const groupOf = new Map(groups.flatMap((group) => group.members.map((member) => [member, group])));
  const outliers = findOutliers(hood);
  const itemAt = (at: number): CatalogueItem[] => items.slice(at, at + 1);
  const evidence = (of: number, positions: readonly number[]): AuditNeighbour[] =>
    positions.slice(0, shown).flatMap((at) => itemAt(at).map((item) => ({ item, distance: hood.distance(of, at) })));
  return {
    changeNumber,
    items: items.length,
    pictures: hashes.filter((hash) => hash !== undefined).length,
    unreadable: items.filter(({ imagePath }, at) => imagePath !== null && hashes[at] === undefined).length,
    complete: near.complete,
    duplicates: groups.map((group) => describeGroup(group, hood)),
    density: { median: outliers.median, fence: outliers.fence },
    outliers: outliers.found.flatMap(({ item, density }) =>
      itemAt(item).map((found) => ({
        item: found,
        density,
        nearest: evidence(
          item,
          Array.from(indices.subarray(item * k, (item + 1) * k)).filter((at) => at >= 0),
        ),
      })),
    ),
    mislabelled: findMislabelled(
      hood,
      (a, b) => groupOf.get(a) !== undefined && groupOf.get(a) === groupOf.get(b),
    ).flatMap(({ item, suggested, confidence, neighbours }) =>
      itemAt(item).map((found) => ({ item: found, suggested, confidence, neighbours: evidence(item, neighbours) })),
    ),
  };
}
