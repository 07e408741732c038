import { z } from 'zod';
import { createRegistry } from '../../core/registry.js';
import { type NamedOptions, withOptions } from '../options.js';
import { bandOptions, createBand } from './band.js';
import { createGate, gateOptions } from './gate.js';
import { createGateMean } from './gate-mean.js';
import { createGateShuffled } from './gate-shuffled.js';
import { createNeighbour, neighbourOptions } from './neighbour.js';
import { none } from './none.js';
import type { Regularizer } from './regularizer.js';

export const regularizers = createRegistry<(options: NamedOptions) => Regularizer>('regularizer', {
  band: withOptions('the band regularizer', bandOptions, createBand),
  gate: withOptions('the gate regularizer', gateOptions, createGate),
  'gate-mean': withOptions('the gate-mean regularizer', gateOptions, createGateMean),
  'gate-shuffled': withOptions('the gate-shuffled regularizer', gateOptions, createGateShuffled),
  neighbour: withOptions('the neighbour regularizer', neighbourOptions, createNeighbour),
  none: withOptions('regularizer none', z.strictObject({}), () => none),
});

/**
 * @param options by name; each regularizer takes its own and refuses the rest
 * @throws KindredError unknown-name, invalid-option
 */
export function createRegularizer(name: string, options: NamedOptions = {}): Regularizer {
  return regularizers.get(name)(options);
}
