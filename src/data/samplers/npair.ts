import { KindredError } from '../../core/errors.js';
import { createClassSampler } from './class.js';
import type { Sampler, SamplerOptions } from './sampler.js';

/**
 * N-pair batches (Sohn 2016): one pair of images of each of many classes.
 * @throws KindredError invalid-option with any other number of images a class, dataset-too-small
 */
export function createNpairSampler(options: SamplerOptions): Sampler {
  if (options.imagesPerClass !== 2) {
    throw new KindredError(
      'invalid-option',
      `--sampler npair takes 2 images of each class, --images-per-class is ${options.imagesPerClass}`,
      { field: '--images-per-class', hint: 'Leave --images-per-class out, or use --sampler class.' },
    );
  }
  return { ...createClassSampler(options), name: 'npair' };
}
