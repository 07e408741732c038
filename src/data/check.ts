import type { ReportProgress } from '../core/progress.js';
import { type Dataset, type DatasetItem, itemsByLabel } from './dataset.js';
import { countItems } from './dataset-folder.js';
import type { DatasetCounts } from './dataset-schema.js';
import { examineImages, reasonWithoutName } from './examine.js';
import type { Skipped } from './source.js';

/** Items with the same bytes. */
export interface Duplicates {
  readonly ids: readonly string[];
  readonly labels: readonly string[];
  readonly splits: readonly string[];
}

export interface ClassSizes {
  readonly smallest: number;
  readonly median: number;
  readonly largest: number;
}

export interface CheckReport {
  readonly name: string;
  readonly counts: DatasetCounts;
  /** Over classes with items in train, validation or test; null when there are none. */
  readonly classSizes: ClassSizes | null;
  /** Classes that are in no batch and no metric, having one image only. */
  readonly tooSmall: readonly string[];
  readonly unreadable: readonly Skipped[];
  /** Other exact duplicates: harmless but for a little optimism in the metrics. */
  readonly duplicates: readonly Duplicates[];
  /** The same image in several classes, at least one of which is trained on or measured. */
  readonly conflicts: readonly Duplicates[];
  /** What must be fixed, one sentence each; empty when the data set is fine. */
  readonly problems: readonly string[];
}

function groupDuplicates(items: readonly DatasetItem[], hashes: readonly (string | undefined)[]): Duplicates[] {
  const groups = new Map<string, DatasetItem[]>();
  items.forEach((item, index) => {
    const hash = hashes[index];
    if (hash !== undefined) groups.set(hash, [...(groups.get(hash) ?? []), item]);
  });
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({
      ids: group.map((item) => item.id),
      labels: [...new Set(group.flatMap((item) => item.label ?? []))],
      splits: [...new Set(group.map((item) => item.split))],
    }));
}

function sizesOf(items: readonly DatasetItem[]): ClassSizes | null {
  const sizes = [...itemsByLabel(items.filter((item) => item.split !== 'none')).values()]
    .map((group) => group.length)
    .sort((a, b) => a - b);
  const [smallest, median, largest] = [sizes[0], sizes[Math.floor(sizes.length / 2)], sizes.at(-1)];
  if (smallest === undefined || median === undefined || largest === undefined) return null;
  return { smallest, median, largest };
}

function count(number: number, one: string, many: string): string {
  return number === 1 ? `1 ${one}` : `${number} ${many}`;
}

/**
 * Looks at every image of a data set and says what must be fixed before training on it.
 * @throws KindredError interrupted
 */
export async function checkDataset(
  dataset: Dataset,
  options: { readonly progress: ReportProgress; readonly signal: AbortSignal },
): Promise<CheckReport> {
  const { items } = dataset;
  const examined = await examineImages(
    dataset.root,
    items.map((item) => item.path),
    options,
  );
  const unreadable = items.flatMap((item, index): Skipped[] => {
    const outcome = examined[index];
    return outcome && !outcome.ok ? [{ path: item.path, reason: reasonWithoutName(outcome.error) }] : [];
  });
  const same = groupDuplicates(
    items,
    examined.map((outcome) => (outcome.ok ? outcome.hash : undefined)),
  );
  // Splits are disjoint by class, so this finds an image that is in training and in the test, too.
  const clashes = ({ labels, splits }: Duplicates): boolean =>
    labels.length > 1 && splits.some((split) => split !== 'none');
  const conflicts = same.filter(clashes);
  const counts = countItems(items);
  const trainable = [...itemsByLabel(items.filter((item) => item.split === 'train')).values()].filter(
    (group) => group.length >= 2,
  ).length;
  const problems: string[] = [];
  if (unreadable.length > 0) {
    problems.push(
      `${count(unreadable.length, 'image', 'images')} cannot be read: repair them, or prepare the data set again to leave them out`,
    );
  }
  if (conflicts.length > 0) {
    const what = count(conflicts.length, 'image is', 'images are');
    problems.push(`${what} in several classes: keep one copy of each, in the class it shows`);
  }
  if (trainable < 2) {
    problems.push(
      `${count(trainable, 'class', 'classes')} to train on, at least 2 are needed: label more pictures, two or more a class`,
    );
  }
  return {
    name: dataset.name,
    counts,
    classSizes: sizesOf(items),
    tooSmall: [...itemsByLabel(items)].filter(([, group]) => group.length === 1).map(([label]) => label),
    unreadable,
    duplicates: same.filter((group) => !clashes(group)),
    conflicts,
    problems,
  };
}
