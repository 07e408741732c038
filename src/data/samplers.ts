import { KindredError } from '../core/errors.js';
import { type DatasetItem, itemsByLabel } from './dataset.js';
import { createDeck, type Deck } from './deck.js';

export interface ClassSamplerOptions {
  /** The items to train on; those without a label or alone in their class are passed over. */
  readonly items: readonly DatasetItem[];
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
  readonly seed: number;
}

export interface Batch {
  /** Positions in `items`, laid out class by class: `imagesPerClass` in a row belong to one class. */
  readonly indices: readonly number[];
  /** Class number (position in `ClassSampler.classes`) of each of `indices`. */
  readonly classes: readonly number[];
}

export interface ClassSampler {
  /** Trainable classes (two images or more), in code-unit order. */
  readonly classes: readonly string[];
  /** Images of those classes. */
  readonly images: number;
  /** classesPerBatch × imagesPerClass */
  readonly batchSize: number;
  /** The batch of step 0, 1, 2 …: a function of the seed and the step alone, so a run can go on anywhere. */
  next(step: number): Batch;
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

/**
 * Batches of M classes × K images. Every class comes once per pass before any comes again, and so do the images within
 * a class; a batch repeats an image only when its class has fewer than K.
 * @throws KindredError dataset-too-small when fewer classes are trainable than a batch takes
 */
export function createClassSampler(options: ClassSamplerOptions): ClassSampler {
  const { items, classesPerBatch, imagesPerClass, seed } = options;
  const positions = new Map(items.map((item, index) => [item, index]));
  const groups = [...itemsByLabel(items)].filter(([, members]) => members.length >= 2);
  if (groups.length < Math.max(2, classesPerBatch)) throw tooSmall(groups.length, classesPerBatch);
  const members = groups.map(([, group]) => group.map((item) => positions.get(item) ?? 0));
  const classDeck = createDeck(groups.length, classesPerBatch, 'classes', seed);
  const imageDecks = groups.map(([name, group]): Deck => {
    return createDeck(group.length, imagesPerClass, 'images', seed, name);
  });
  return {
    classes: groups.map(([name]) => name),
    images: members.reduce((sum, group) => sum + group.length, 0),
    batchSize: classesPerBatch * imagesPerClass,
    next(step) {
      const indices: number[] = [];
      const classes: number[] = [];
      classDeck.hand(step).forEach((chosen, offset) => {
        // Once per pass: the pass is how often the class has been dealt before.
        const appearance = Math.floor((step * classesPerBatch + offset) / groups.length);
        for (const image of imageDecks[chosen]?.hand(appearance) ?? []) {
          indices.push(members[chosen]?.[image] ?? 0);
          classes.push(chosen);
        }
      });
      return { indices, classes };
    },
  };
}
