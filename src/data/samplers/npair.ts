import { KindredError } from '../../core/errors.js';
import { createClassSampler } from './class.js';
import type { Sampler, SamplerOptions } from './sampler.js';

/** @throws KindredError invalid-option with any number of images a class but 2 */
export function checkPairs(imagesPerClass: number): void {
  if (imagesPerClass === 2) return;
  throw new KindredError(
    'invalid-option',
    `--sampler npair takes 2 images of each class, --images-per-class is ${imagesPerClass}`,
    { field: '--images-per-class', hint: 'Leave --images-per-class out, or use --sampler class.' },
  );
}

/**
 * N-pair batches (Sohn 2016): one pair of images of each of many classes.
 * @throws KindredError invalid-option see `checkPairs`; dataset-too-small
 */
export function createNpairSampler(options: SamplerOptions): Sampler {
  checkPairs(options.imagesPerClass);
  return { ...createClassSampler(options), name: 'npair' };
}
