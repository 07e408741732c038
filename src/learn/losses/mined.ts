import type * as tf from '@tensorflow/tfjs-core';
import { createRandom, type Random } from '../../core/random.js';
import type { ChosenPairs, PairMiner } from '../miners/miner.js';
import type { LossInput } from './loss.js';
import type { Pairs } from './pairs.js';

/** The random numbers of this step; those of step 0 for a batch on its own. */
export const randomOf = ({ context }: Pick<LossInput, 'context'>): Random =>
  context?.random ?? createRandom('loss', 0, 0);

/** The pairs of a batch that a miner lets count, by similarity. */
export function mined(miner: PairMiner, input: LossInput, pairs: Pairs, similarities: () => tf.Tensor2D): ChosenPairs {
  const { positives, negatives } = pairs;
  if (miner.name === 'all') return { positives, negatives };
  const { layout, unit } = input;
  const dim = unit.shape[1];
  return miner.choose({ similarities: similarities(), positives, negatives, layout, dim, random: randomOf(input) });
}
