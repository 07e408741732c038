import { join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import type { RoleName } from '../dataset.js';
import { scanImages } from '../scan.js';
import type { GatherRequest, Skipped } from '../source.js';
import { kindOf, type Place } from './find.js';
import type { Half, UnsplitItem } from '../split.js';

/** Images and classes of a part of a published data set. */
export interface PartCounts {
  readonly images: number;
  readonly classes: number;
}

/** What a published split says of itself; of a search between two sides, both sides, else the test half. */
export type PublishedCounts = Readonly<Partial<Record<Half | RoleName, PartCounts>>>;

/** `root` is what paths are relative to. */
export interface Listing extends Place {
  /** Folders in the root that hold nothing but the pictures of the data set. */
  readonly imageFolders: readonly string[];
  /** The file that lists the pictures: how messages name it. */
  readonly index: string;
  /** Everything that the index lists, with the half it is in. */
  readonly items: readonly UnsplitItem[];
  readonly counts: PublishedCounts;
}

export interface CheckedListing {
  /** Those whose picture is there. */
  readonly items: readonly UnsplitItem[];
  readonly skipped: readonly Skipped[];
  readonly deviations: readonly string[];
}

const notWhole = 'Fetch it again, whole, or take it as it is with --allow-incomplete: results are not comparable then.';

function countDifferences(items: readonly UnsplitItem[], counts: PublishedCounts): string[] {
  const parts = ['train', 'test', 'query', 'gallery'] as const;
  return parts.flatMap((part) => {
    const expected = counts[part];
    if (!expected) return [];
    const inPart = items.filter(({ half, role }) => half === part || role === part);
    const found = { images: inPart.length, classes: new Set(inPart.map(({ label }) => label)).size };
    if (found.images === expected.images && found.classes === expected.classes) return [];
    const told = ({ images, classes }: PartCounts): string => `${images} images of ${classes} classes`;
    return [`${part}: ${told(found)}, published are ${told(expected)}`];
  });
}

const andMore = (count: number): string => (count > 1 ? ` (and ${count - 1} more)` : '');

/**
 * Compares what an index lists with the pictures on disk and with the published counts.
 * @throws KindredError dataset-invalid naming the first difference, unless `allowIncomplete`, which tells them in `deviations`
 */
export async function checkListing(
  listing: Listing,
  { allowIncomplete }: Pick<GatherRequest, 'allowIncomplete'>,
): Promise<CheckedListing> {
  const { root, where, imageFolders, index, counts } = listing;
  const onDisk = new Set<string>();
  for (const folder of imageFolders) {
    if ((await kindOf(join(root, folder))) !== 'folder') continue;
    const { images, skipped } = await scanImages(join(root, folder));
    for (const path of [...images, ...skipped.map((file) => file.path)]) onDisk.add(`${folder}/${path}`);
  }
  const listed = new Map<string, UnsplitItem>();
  for (const item of listing.items) {
    if (listed.has(item.path)) {
      throw new KindredError('dataset-invalid', `${index} lists ${item.path} twice`, { hint: 'Fetch it again.' });
    }
    listed.set(item.path, item);
  }
  const missing = listing.items.filter((item) => !onDisk.has(item.path));
  const extra = [...onDisk].filter((path) => !listed.has(path));
  const differences = [
    ...(missing[0] ? [`${missing[0].path} is in ${index} and not in ${where}${andMore(missing.length)}`] : []),
    ...(extra[0] ? [`${extra[0]} is in ${where} and not in ${index}${andMore(extra.length)}`] : []),
    ...countDifferences(listing.items, counts),
  ];
  const [first] = differences;
  if (first !== undefined && !allowIncomplete) {
    throw new KindredError('dataset-invalid', first, { hint: notWhole, field: '--from' });
  }
  return {
    items: listing.items.filter((item) => onDisk.has(item.path)),
    skipped: [
      ...missing.map(({ path }) => ({ path, reason: 'is not there' })),
      ...extra.map((path) => ({ path, reason: `is not in ${index}` })),
    ],
    deviations: differences,
  };
}
