import { createRandom, shuffled } from '../core/random.js';
import { sha256 } from '../core/hashing.js';
import type { Metadata } from '../core/metadata.js';
import type { DatasetItem, SplitName } from './dataset.js';

export const splitMethods = ['random', 'every-second'] as const;
export type SplitMethod = (typeof splitMethods)[number];

/** An item whose split is still to be decided. */
export interface UnsplitItem {
  readonly id: string;
  readonly path: string;
  readonly label: string | null;
  readonly metadata: Metadata;
  /** An iconic picture: indexed, but in no training batch and no metric. */
  readonly iconic?: boolean;
}

/** Why items are in split 'none'. */
export interface LeftOut {
  readonly unlabelled: number;
  /** The only (non-iconic) picture of their class. */
  readonly alone: number;
  readonly iconic: number;
}

/** Every fifth class of the training half is for validation. */
const validationEvery = 5;

/**
 * Class → split, class-disjoint. `every-second` is for comparing with published numbers; `random` is the default.
 * @param classes in code-unit order
 */
function splitClasses(classes: readonly string[], method: SplitMethod, seed: number): Map<string, SplitName> {
  const order = method === 'random' ? shuffled(classes, createRandom('split', seed)) : classes;
  const half = Math.ceil(order.length / 2);
  const inTraining = (index: number): boolean => (method === 'random' ? index < half : index % 2 === 0);
  const splits = new Map<string, SplitName>();
  let training = 0;
  order.forEach((name, index) => {
    if (!inTraining(index)) splits.set(name, 'test');
    else splits.set(name, ++training % validationEvery === 0 ? 'validation' : 'train');
  });
  return splits;
}

/**
 * Decides which items are trained on, validated on and tested on; whole classes at a time, so that the test classes are
 * never seen in training. Items without a label, alone in their class, or iconic belong to none of them.
 */
export function assignSplits(
  items: readonly UnsplitItem[],
  method: SplitMethod,
  seed: number,
): { items: DatasetItem[]; leftOut: LeftOut } {
  const sizes = new Map<string, number>();
  for (const { label, iconic } of items) if (label !== null && !iconic) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const classes = [...sizes].filter(([, size]) => size >= 2).map(([name]) => name);
  const splits = splitClasses(classes.sort(), method, seed);
  const leftOut = { unlabelled: 0, alone: 0, iconic: 0 };
  const assigned = items.map(({ id, path, label, metadata, iconic }): DatasetItem => {
    const split = label === null || iconic ? undefined : splits.get(label);
    if (label === null) leftOut.unlabelled++;
    else if (iconic) leftOut.iconic++;
    else if (split === undefined) leftOut.alone++;
    return { id, path, label, split: split ?? 'none', metadata };
  });
  return { items: assigned, leftOut };
}

/** SHA-256 over every (id, label, split) in order of id: changes whenever who is trained on or tested on changes. */
export function computeSplitHash(items: readonly Pick<DatasetItem, 'id' | 'label' | 'split'>[]): string {
  const lines = items.map(({ id, label, split }) => JSON.stringify([id, label, split]));
  return sha256(lines.sort().join('\n'));
}
