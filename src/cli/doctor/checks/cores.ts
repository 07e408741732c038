import { availableParallelism, cpus } from 'node:os';
import type { Check } from '../check.js';

export const coresCheck: Check = {
  name: 'cores',
  area: 'machine',
  needed: 'always',
  run: () => {
    const model = cpus()[0]?.model.trim() ?? '';
    return Promise.resolve({ usable: true, detail: `${availableParallelism()}${model ? ` (${model})` : ''}` });
  },
};
