import { KindredError } from '../../core/errors.js';
import { createRegistry, unknownName } from '../../core/registry.js';
import { createClassSampler } from './class.js';
import { createHardClassSampler } from './hard-class.js';
import { createHierarchicalSampler } from './hierarchical.js';
import { checkPairs, createNpairSampler } from './npair.js';
import type { Sampler, SamplerOptions } from './sampler.js';

/**
 * Checks before anything is loaded what can be checked without the items.
 * @throws KindredError unknown-name, invalid-option
 */
export function checkSampler(
  name: string,
  { imagesPerClass, field }: Pick<SamplerOptions, 'imagesPerClass' | 'field'>,
): void {
  if (!samplers.names.includes(name)) throw unknownName('sampler', name, samplers.names, '--sampler');
  if (name === 'npair') checkPairs(imagesPerClass);
  if (field !== undefined && name !== 'hierarchical') {
    throw new KindredError('invalid-option', `--sampler-field does not apply to the ${name} sampler`, {
      field: '--sampler-field',
      hint: 'Leave it out, or use --sampler hierarchical.',
    });
  }
}

export const samplers = createRegistry<(options: SamplerOptions) => Sampler>('sampler', {
  class: createClassSampler,
  npair: createNpairSampler,
  'hard-class': createHardClassSampler,
  hierarchical: createHierarchicalSampler,
});
