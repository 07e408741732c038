import { KindredError } from '../../core/errors.js';
import { createRandom, shuffled } from '../../core/random.js';
import { createDeck } from '../deck.js';
import { batchOf, type Groups, groupItems } from './groups.js';
import type { Sampler, SamplerOptions } from './sampler.js';

/** The category of each class, by its first image. */
function categoriesOf(groups: Groups, { items, field }: SamplerOptions): string[] {
  if (field === undefined) {
    const fields = [...new Set(items.flatMap(({ metadata }) => Object.keys(metadata)))].sort();
    throw new KindredError('invalid-option', '--sampler hierarchical needs the field that holds the category', {
      field: '--sampler-field',
      hint:
        fields.length === 0
          ? 'The data set has no metadata: use another sampler.'
          : `Use --sampler-field with one of ${fields.join(', ')}.`,
    });
  }
  return groups.members.map((members, group) => {
    const item = items[members[0] ?? 0];
    const category = item?.metadata[field];
    if (category !== undefined && category !== '') return String(category);
    throw new KindredError(
      'invalid-option',
      `image ${item?.id ?? ''} of class ${groups.names[group] ?? ''} has no ${field} in its metadata`,
      {
        field: '--sampler-field',
        hint: `Every class needs one; known fields: ${Object.keys(item?.metadata ?? {}).join(', ') || 'none'}.`,
      },
    );
  });
}

/**
 * Batches from within a category, so that the classes held against each other are those that look alike. A category comes
 * as often as it has classes; one with fewer than a batch takes is filled up from other categories, drawn at random.
 * @throws KindredError invalid-option when the field is not given or a class has none, dataset-too-small
 */
export function createHierarchicalSampler(options: SamplerOptions): Sampler {
  const { classesPerBatch, imagesPerClass, seed } = options;
  const groups = groupItems(options.items, classesPerBatch);
  const categories = categoriesOf(groups, options);
  const names = [...new Set(categories)].sort();
  const inside = new Map(names.map((name) => [name, categories.flatMap((own, c) => (own === name ? [c] : []))]));
  const first = createDeck(groups.names.length, 1, 'categories', seed);
  return {
    name: 'hierarchical',
    classes: groups.names,
    images: groups.images,
    batchSize: classesPerBatch * imagesPerClass,
    next(step) {
      const random = createRandom('hierarchical', seed, step);
      const start = categories[first.hand(step)[0] ?? 0];
      const order = [start, ...shuffled(names, random).filter((name) => name !== start)];
      const chosen: number[] = [];
      for (const name of order) {
        if (chosen.length === classesPerBatch) break;
        chosen.push(...shuffled(inside.get(name ?? '') ?? [], random).slice(0, classesPerBatch - chosen.length));
      }
      return batchOf(groups, chosen, options, step);
    },
  };
}
