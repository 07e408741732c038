import { freemem, totalmem } from 'node:os';
import type { Check } from '../check.js';
import { gibibytes } from '../units.js';

/** What training on the emoji catalogue may take. */
const neededBytes = 2 * 2 ** 30;

export interface Memory {
  /** Bytes, of the machine or of the container's limit. */
  readonly total: number;
  readonly free: number;
}

function measure(): Memory {
  // 0: no limit set; some systems report an absurd one instead.
  const limit = process.constrainedMemory();
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return { total, free: Math.min(freemem(), total) };
}

export function memoryCheck(read: () => Memory = measure): Check {
  return {
    name: 'memory',
    area: 'machine',
    needed: 'always',
    run: () => {
      const { total, free } = read();
      const usable = total >= neededBytes;
      const detail = `${gibibytes(total)}, ${gibibytes(free)} free`;
      const fix = `training takes up to ${gibibytes(neededBytes)}: use a machine or a container limit with more`;
      return Promise.resolve(usable ? { usable, detail } : { usable, detail, fix });
    },
  };
}
