import { KindredError } from '../../core/errors.js';
import { createRegistry } from '../../core/registry.js';
import { all } from './all.js';
import { asPairMiner } from './as-pairs.js';
import { distanceWeighted } from './distance-weighted.js';
import { hard } from './hard.js';
import type { Miner, PairMiner, TripletMiner } from './miner.js';
import { multiSimilarity } from './multi-similarity.js';
import { semiHard } from './semi-hard.js';

export const miners = createRegistry<Miner>('miner', {
  'semi-hard': semiHard,
  hard,
  all,
  'distance-weighted': distanceWeighted,
  'multi-similarity': multiSimilarity,
});

/**
 * For losses over pairs, which any miner fits.
 * @throws KindredError unknown-name
 */
export const pairMiner = (name: string): PairMiner => asPairMiner(miners.get(name));

/**
 * For losses over triplets.
 * @throws KindredError unknown-name, invalid-option for a miner that chooses pairs
 */
export function tripletMiner(name: string): TripletMiner {
  const miner = miners.get(name);
  if (miner.chooses === 'triplets') return miner;
  const fitting = miners.names.filter((other) => miners.get(other).chooses === 'triplets');
  throw new KindredError('invalid-option', `miner ${name} chooses pairs, and this loss compares triplets`, {
    field: '--miner',
    hint: `Miners that fit: ${fitting.join(', ')}.`,
  });
}
