import type { Metadata } from '../core/metadata.js';

/** Where an item may be used. Classes never straddle train, validation and test. */
export const splitNames = ['train', 'validation', 'test', 'none'] as const;
export type SplitName = (typeof splitNames)[number];

/** Which side of a search a test picture is on, where the data set says so: a query is looked for in the gallery alone. */
export const roleNames = ['query', 'gallery'] as const;
export type RoleName = (typeof roleNames)[number];

/** One picture of a data set. */
export interface DatasetItem {
  /** Unique: the path relative to the root with '/' separators, or a CSV's `id` column; at most 512 bytes. */
  readonly id: string;
  /** Relative to `Dataset.root`, with '/' separators. */
  readonly path: string;
  /** The class, or null for an item without one. */
  readonly label: string | null;
  /**
   * 'train', 'validation' and 'test' are disjoint by class. 'none': indexed and searchable, but in no training batch and
   * no metric (no label, alone in its class, or an iconic picture).
   */
  readonly split: SplitName;
  /**
   * In split 'test' only, and there on every item or on none. Where present, each query is searched for among the items of the
   * gallery alone; absent: every test item is a query, searched for among all others.
   */
  readonly role?: RoleName | undefined;
  readonly metadata: Metadata;
}

/** A prepared data set: `dataset.json` and `items.jsonl` in its folder; images there or wherever they were. */
export interface Dataset {
  /** The folder that `data prepare --out` wrote, absolute. */
  readonly folder: string;
  readonly name: string;
  /** Absolute folder that item paths are relative to. */
  readonly root: string;
  readonly items: readonly DatasetItem[];
  /** How classes were split. */
  readonly split: DatasetSplit;
  /** SHA-256 over every (id, label, split, role): changes whenever who is trained on or tested on changes. */
  readonly splitHash: string;
  /** How the pictures differ from the published data set, one sentence each; results are not comparable then. */
  readonly deviations?: readonly string[] | undefined;
}

/** How classes were split. */
export interface DatasetSplit {
  readonly method: string;
  readonly seed: number;
  /** '2/5': the second of five folds is the test half. */
  readonly fold?: string | undefined;
}

/** Class name → its items, classes in code-unit order. Items without a label are left out. */
export function itemsByLabel(items: readonly DatasetItem[]): Map<string, DatasetItem[]> {
  const groups = new Map<string, DatasetItem[]>();
  for (const item of items) {
    if (item.label === null) continue;
    const group = groups.get(item.label);
    if (group) group.push(item);
    else groups.set(item.label, [item]);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
