import { createDeck, type Deck } from '../deck.js';
import { groupItems } from './groups.js';
import type { Sampler, SamplerOptions } from './sampler.js';

/**
 * Batches of M classes × K images. Every class comes once per pass before any comes again, and so do the images within
 * a class; a batch repeats an image only when its class has fewer than K.
 * @throws KindredError dataset-too-small when fewer classes are trainable than a batch takes
 */
export function createClassSampler(options: SamplerOptions): Sampler {
  const { items, classesPerBatch, imagesPerClass, seed } = options;
  const { names, members, images } = groupItems(items, classesPerBatch);
  const classDeck = createDeck(names.length, classesPerBatch, 'classes', seed);
  const imageDecks = names.map((name, group): Deck => {
    return createDeck(members[group]?.length ?? 0, imagesPerClass, 'images', seed, name);
  });
  return {
    name: 'class',
    classes: names,
    images,
    batchSize: classesPerBatch * imagesPerClass,
    next(step) {
      const indices: number[] = [];
      const classes: number[] = [];
      classDeck.hand(step).forEach((chosen, offset) => {
        // Once per pass: the pass is how often the class has been dealt before.
        const appearance = Math.floor((step * classesPerBatch + offset) / names.length);
        for (const image of imageDecks[chosen]?.hand(appearance) ?? []) {
          indices.push(members[chosen]?.[image] ?? 0);
          classes.push(chosen);
        }
      });
      return { indices, classes };
    },
  };
}
