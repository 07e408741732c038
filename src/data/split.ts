import { sha256 } from '../core/hashing.js';
import { createRandom, shuffled } from '../core/random.js';
import { KindredError } from '../core/errors.js';
import type { Metadata } from '../core/metadata.js';
import type { DatasetItem, RoleName, SplitName } from './dataset.js';

export const splitMethods = ['official', 'random', 'every-second'] as const;
export type SplitMethod = (typeof splitMethods)[number];

/** The half of the classes that a published protocol puts a class in. */
export type Half = 'train' | 'test';

/** One of `of` parts of the classes is for testing, the others for training: `index` from 1. */
export interface Fold {
  readonly index: number;
  readonly of: number;
}

/** An item whose split is still to be decided. */
export interface UnsplitItem {
  readonly id: string;
  readonly path: string;
  readonly label: string | null;
  readonly metadata: Metadata;
  /** An iconic picture: indexed, but in no training batch and no metric. */
  readonly iconic?: boolean;
  /** Where the published split puts its class; on every item of a source that has one. */
  readonly half?: Half;
  /** Its side in the published search; kept with the official split only. */
  readonly role?: RoleName;
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

/** Class → half, as published. */
function officialHalves(items: readonly UnsplitItem[]): ReadonlyMap<string, Half> {
  const halves = new Map<string, Half>();
  for (const { id, label, half } of items) {
    if (label === null) continue;
    const before = halves.get(label);
    if (half === undefined) {
      throw new KindredError('invalid-option', `${id} is in no half of the official split`, {
        hint: 'Give the archives of both halves, or --split random or --split every-second.',
        field: '--split',
      });
    }
    if (before !== undefined && before !== half) {
      throw new KindredError('dataset-invalid', `class "${label}" is in both halves of the official split (${id})`, {
        hint: 'Fetch the data set again: a class belongs to one of them.',
      });
    }
    halves.set(label, half);
  }
  return halves;
}

/** Which classes are for testing, by their place in the order. */
function testedAt(method: SplitMethod, count: number, fold: Fold | undefined): (index: number) => boolean {
  if (fold) return (index) => index % fold.of === fold.index - 1;
  return method === 'random' ? (index) => index >= Math.ceil(count / 2) : (index) => index % 2 === 1;
}

/**
 * Class → split, class-disjoint. `official` and `every-second` are for comparing with published numbers; `random` is the default
 * where nothing is published. Validation classes come out of the training half, whatever the method.
 * @param classes in code-unit order
 */
function splitClasses(
  classes: readonly string[],
  method: SplitMethod,
  seed: number,
  fold: Fold | undefined,
  halves: ReadonlyMap<string, Half>,
): Map<string, SplitName> {
  const order = method === 'every-second' ? classes : shuffled(classes, createRandom('split', seed));
  const tested = testedAt(method, order.length, fold);
  const splits = new Map<string, SplitName>();
  let training = 0;
  order.forEach((name, index) => {
    if (method === 'official' ? halves.get(name) === 'test' : tested(index)) splits.set(name, 'test');
    else splits.set(name, ++training % validationEvery === 0 ? 'validation' : 'train');
  });
  return splits;
}

/**
 * Decides which items are trained on, validated on and tested on; whole classes at a time, so that the test classes are
 * never seen in training. Items without a label, alone in their class, or iconic belong to none of them.
 * @param fold for `random` and `every-second`: the classes, in that order, are dealt out to so many parts
 * @throws KindredError invalid-option when there is no official split, or a fold of it or of fewer classes than parts is asked
 *   for; dataset-invalid when a class is in both halves of it
 */
export function assignSplits(
  items: readonly UnsplitItem[],
  method: SplitMethod,
  seed: number,
  fold?: Fold,
): { items: DatasetItem[]; leftOut: LeftOut } {
  const official = method === 'official';
  const halves = official ? officialHalves(items) : new Map<string, Half>();
  const sizes = new Map<string, number>();
  for (const { label, iconic } of items) if (label !== null && !iconic) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const classes = [...sizes].filter(([, size]) => size >= 2).map(([name]) => name);
  if (fold) checkFold(fold, official, classes.length);
  const splits = splitClasses(classes.sort(), method, seed, fold, halves);
  const leftOut = { unlabelled: 0, alone: 0, iconic: 0 };
  const assigned = items.map(({ id, path, label, metadata, iconic, role }): DatasetItem => {
    const split = label === null || iconic ? undefined : splits.get(label);
    if (label === null) leftOut.unlabelled++;
    else if (iconic) leftOut.iconic++;
    else if (split === undefined) leftOut.alone++;
    const side = official && split === 'test' && role !== undefined ? { role } : {};
    return { id, path, label, split: split ?? 'none', ...side, metadata };
  });
  return { items: assigned, leftOut };
}

function checkFold(fold: Fold, official: boolean, classes: number): void {
  const refuse = (what: string, hint: string): KindredError =>
    new KindredError('invalid-option', `--fold ${fold.index}/${fold.of}: ${what}`, { hint, field: '--fold' });
  if (official) throw refuse('the official split has no folds', 'Add --split random to leave the official split.');
  if (classes < fold.of) throw refuse(`there are only ${classes} classes`, 'Ask for fewer folds.');
}

/**
 * SHA-256 over every (id, label, split), and the role where there is one, in order of id: changes whenever who is trained on or
 * tested on changes.
 */
export function computeSplitHash(items: readonly Pick<DatasetItem, 'id' | 'label' | 'split' | 'role'>[]): string {
  const lines = items.map(({ id, label, split, role }) =>
    JSON.stringify(role === undefined ? [id, label, split] : [id, label, split, role]),
  );
  return sha256(lines.sort().join('\n'));
}
