import { KindredError } from '../../core/errors.js';
import { createRandom, shuffled } from '../../core/random.js';
import { type DatasetItem, itemsByLabel } from '../dataset.js';
import type { Batch, SamplerOptions } from './sampler.js';

/** The trainable classes of a set of items, numbered in code-unit order. */
export interface Groups {
  readonly names: readonly string[];
  /** Positions in the items, by class. */
  readonly members: readonly (readonly number[])[];
  readonly images: number;
}

function tooSmall(trainable: number, asked: number): KindredError {
  if (trainable < 2) {
    return new KindredError(
      'dataset-too-small',
      `${trainable === 0 ? 'no class has' : 'only 1 class has'} two or more images to train on; training compares at least 2`,
      { hint: 'Give labels to more pictures, so that at least two classes have two or more each.' },
    );
  }
  return new KindredError(
    'dataset-too-small',
    `only ${trainable} classes have two or more images to train on, a batch takes ${asked}`,
    { hint: `Use --classes-per-batch ${trainable}, or add classes.`, field: '--classes-per-batch' },
  );
}

/** @throws KindredError dataset-too-small when fewer classes are trainable than a batch takes */
export function groupItems(items: readonly DatasetItem[], classesPerBatch: number): Groups {
  const positions = new Map(items.map((item, index) => [item, index]));
  const groups = [...itemsByLabel(items)].filter(([, members]) => members.length >= 2);
  if (groups.length < Math.max(2, classesPerBatch)) throw tooSmall(groups.length, classesPerBatch);
  const members = groups.map(([, group]) => group.map((item) => positions.get(item) ?? 0));
  return {
    names: groups.map(([name]) => name),
    members,
    images: members.reduce((sum, group) => sum + group.length, 0),
  };
}

/**
 * `count` of the images of a class, a function of seed, step and class alone: for samplers that come to a class when the
 * embeddings or categories say so. Images repeat only in a class that has fewer.
 */
export function imagesAt(groups: Groups, chosen: number, count: number, seed: number, step: number): number[] {
  const order = shuffled(groups.members[chosen] ?? [], createRandom('images', seed, step, groups.names[chosen] ?? ''));
  return Array.from({ length: count }, (_, i) => order[i % order.length] ?? 0);
}

/** The batch of these classes, with images drawn for the step. */
export function batchOf(
  groups: Groups,
  chosen: readonly number[],
  { imagesPerClass, seed }: SamplerOptions,
  step: number,
): Batch {
  return {
    indices: chosen.flatMap((group) => imagesAt(groups, group, imagesPerClass, seed, step)),
    classes: chosen.flatMap((group) => Array.from({ length: imagesPerClass }, () => group)),
  };
}
