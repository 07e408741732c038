import { createRegistry } from '../../core/registry.js';
import { createClassSampler } from './class.js';
import { createHardClassSampler } from './hard-class.js';
import { createHierarchicalSampler } from './hierarchical.js';
import { createNpairSampler } from './npair.js';
import type { Sampler, SamplerOptions } from './sampler.js';

export const samplers = createRegistry<(options: SamplerOptions) => Sampler>('sampler', {
  class: createClassSampler,
  npair: createNpairSampler,
  'hard-class': createHardClassSampler,
  hierarchical: createHierarchicalSampler,
});
