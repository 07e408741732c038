import { createRegistry } from '../../core/registry.js';
import { type NamedOptions, withOptions } from '../options.js';
import { circleOptions, createCircle } from './circle.js';
import { contrastiveOptions, createContrastive } from './contrastive.js';
import { createLifted, liftedOptions } from './lifted.js';
import type { Loss } from './loss.js';
import { createMultiSimilarity, multiSimilarityOptions } from './multi-similarity.js';
import { createNpair, npairOptions } from './npair.js';
import { createProxyAnchor, proxyAnchorOptions } from './proxy-anchor.js';
import { createSupcon, supconOptions } from './supcon.js';
import { createTriplet, tripletOptions } from './triplet.js';

export const losses = createRegistry<(options: NamedOptions) => Loss>('loss', {
  contrastive: withOptions('the contrastive loss', contrastiveOptions, createContrastive),
  triplet: withOptions('the triplet loss', tripletOptions, createTriplet),
  npair: withOptions('the npair loss', npairOptions, createNpair),
  'multi-similarity': withOptions('the multi-similarity loss', multiSimilarityOptions, createMultiSimilarity),
  'proxy-anchor': withOptions('the proxy-anchor loss', proxyAnchorOptions, createProxyAnchor),
  circle: withOptions('the circle loss', circleOptions, createCircle),
  supcon: withOptions('the supcon loss', supconOptions, createSupcon),
  lifted: withOptions('the lifted loss', liftedOptions, createLifted),
});

/**
 * @param options by name, as on the command line; each loss takes its own and refuses the rest
 * @throws KindredError unknown-name (loss or miner), invalid-option
 */
export function createLoss(name: string, options: NamedOptions = {}): Loss {
  return losses.get(name)(options);
}
