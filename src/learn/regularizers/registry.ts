import { z } from 'zod';
import { createRegistry } from '../../core/registry.js';
import { type Factory, type NamedOptions, withOptions } from '../options.js';
import { bandOptions, createBand } from './band.js';
import { controllerOptions, createController } from './controller.js';
import { createEqualise, equaliseOptions } from './equalise.js';
import { createFixed, fixedOptions } from './fixed.js';
import { createFloor, floorOptions } from './floor.js';
import { createGate, gateOptions } from './gate.js';
import { createGateMean } from './gate-mean.js';
import { createGateShuffled } from './gate-shuffled.js';
import { createKoleo, koleoOptions } from './koleo.js';
import { createMargin, marginOptions } from './margin.js';
import { createNeighbour, neighbourOptions } from './neighbour.js';
import { none } from './none.js';
import { createReferencePattern, referenceOptions } from './reference.js';
import type { Regularizer } from './regularizer.js';

export const regularizers = createRegistry<Factory<Regularizer>>('regularizer', {
  band: withOptions('the band regularizer', bandOptions, createBand),
  controller: withOptions('the controller regularizer', controllerOptions, createController),
  equalise: withOptions('the equalise regularizer', equaliseOptions, createEqualise),
  fixed: withOptions('the fixed regularizer', fixedOptions, createFixed),
  floor: withOptions('the floor regularizer', floorOptions, createFloor),
  gate: withOptions('the gate regularizer', gateOptions, createGate),
  'gate-mean': withOptions('the gate-mean regularizer', gateOptions, createGateMean),
  'gate-shuffled': withOptions('the gate-shuffled regularizer', gateOptions, createGateShuffled),
  koleo: withOptions('the koleo regularizer', koleoOptions, createKoleo),
  margin: withOptions('the margin regularizer', marginOptions, createMargin),
  neighbour: withOptions('the neighbour regularizer', neighbourOptions, createNeighbour),
  none: withOptions('regularizer none', z.strictObject({}), () => none),
  reference: withOptions('the reference regularizer', referenceOptions, createReferencePattern),
});

/** What the options of a regularizer are called. */
export const knownOptions = (name: string): readonly string[] => regularizers.get(name).known;

/**
 * @param options by name; each regularizer takes its own and refuses the rest
 * @throws KindredError unknown-name, invalid-option
 */
export function createRegularizer(name: string, options: NamedOptions = {}): Regularizer {
  return regularizers.get(name)(options);
}
