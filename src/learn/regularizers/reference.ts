import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { densityStatistics, deviationPenalty, logDensityOf, penaliseSpread } from '../density.js';
import { referenceOf, type Regularizer } from './regularizer.js';

export const referenceOptions = z.strictObject({});

/**
 * The pattern of densities follows what the frozen pretrained features show: R = mean_c (d̃_c − d̃_c^ref)², where d̃ is the
 * log-density minus its mean over the batch. Which class is denser than which is kept; how dense they all are is not.
 */
export function createReferencePattern(): Regularizer {
  return {
    name: 'reference',
    needsReference: true,
    penalty: (input) =>
      penaliseSpread(input.unit, input.layout, (spread) => {
        const frozen = densityStatistics(referenceOf(input, 'reference'), input.layout).logDensity;
        return deviationPenalty(spread, tf.sub(logDensityOf(spread), frozen));
      }),
    defaultLambda: (loss) => (loss === 'contrastive' ? 0.3 : 0.1),
  };
}
