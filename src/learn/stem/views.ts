import { createRandom } from '../../core/random.js';

/** What the augmentation of one picture in one step is seeded with. `slot`: its row in the batch. */
export function viewSeed(seed: number, step: number, slot: number, id: string): string {
  return `${seed}/${step}/${slot}/${id}`;
}

export interface ViewOptions {
  readonly seed: number;
  readonly step: number;
  /** Pictures that lie in a row in the batch. */
  readonly ids: readonly string[];
  /** The place of the first one in the batch. */
  readonly first: number;
  /** How many views a picture has; undefined: a new one every time. */
  readonly views: number | undefined;
}

/**
 * The augmentation seeds of a batch or a piece of one, one a picture, decided by (seed, step, place in the batch) however work is scheduled. With
 * fixed `views` the seed of a view is decided by (seed, picture, view), so that it comes again and can be cached; the
 * step and the place then decide which of them is taken.
 */
export function viewSeeds({ seed, step, ids, first, views }: ViewOptions): string[] {
  return ids.map((id, i) => {
    const slot = first + i;
    if (views === undefined) return viewSeed(seed, step, slot, id);
    return `${seed}/${Math.floor(createRandom('view', seed, step, slot)() * views)}/${id}`;
  });
}
