import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { cosine } from './cosine.js';
import type { Distance } from './distance.js';
import { euclidean } from './euclidean.js';
import { squared } from './squared.js';

export const distances = { euclidean, squared, cosine } as const satisfies Record<string, Distance>;
export const distanceName = z.enum(['euclidean', 'squared', 'cosine'], {
  error: 'must be euclidean, squared or cosine',
});
export type DistanceName = z.infer<typeof distanceName>;

/**
 * A distance with the margin a loss holds in it.
 * @param given the margin asked for; undefined: the loss's default for this distance
 * @throws KindredError invalid-option when no two unit vectors are that far apart
 */
export function withMargin(
  name: DistanceName,
  given: number | undefined,
  defaults: Readonly<Record<DistanceName, number>>,
): { readonly distance: Distance; readonly margin: number } {
  const distance = distances[name];
  if (given !== undefined && given > distance.largest) {
    throw new KindredError(
      'invalid-option',
      `--margin is ${given}, the ${name} distance of unit vectors is at most ${distance.largest}`,
      { field: '--margin', hint: `The default is ${defaults[name]}.` },
    );
  }
  return { distance, margin: given ?? defaults[name] };
}
