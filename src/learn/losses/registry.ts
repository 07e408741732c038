import { createRegistry } from '../../core/registry.js';
import { type NamedOptions, withOptions } from '../options.js';
import { contrastiveOptions, createContrastive } from './contrastive.js';
import type { Loss } from './loss.js';
import { createNpair, npairOptions } from './npair.js';
import { createTriplet, tripletOptions } from './triplet.js';

export const losses = createRegistry<(options: NamedOptions) => Loss>('loss', {
  contrastive: withOptions('the contrastive loss', contrastiveOptions, createContrastive),
  triplet: withOptions('the triplet loss', tripletOptions, createTriplet),
  npair: withOptions('the npair loss', npairOptions, createNpair),
});

/**
 * @param options by name, as on the command line; each loss takes its own and refuses the rest
 * @throws KindredError unknown-name (loss or miner), invalid-option
 */
export function createLoss(name: string, options: NamedOptions = {}): Loss {
  return losses.get(name)(options);
}
