import { z } from 'zod';
import { deviationPenalty, logDensityOf, penaliseSpread } from '../density.js';
import type { Regularizer } from './regularizer.js';

export const equaliseOptions = z.strictObject({});

/**
 * All classes of a batch equally dense: R = mean_c (d_c − mean of d)², with d_c = −log(v_c + 1e-6). It says nothing about how
 * dense. The mean may move: its part of the gradient is zero.
 */
export function createEqualise(): Regularizer {
  return {
    name: 'equalise',
    needsReference: false,
    penalty: ({ unit, layout }) =>
      penaliseSpread(unit, layout, (spread) => deviationPenalty(spread, logDensityOf(spread))),
    defaultLambda: (loss) => (loss === 'contrastive' ? 0.1 : 0.03),
  };
}
