import { createHash } from 'node:crypto';
import { allFinite, decodeHalf, encodeHalf } from './half.js';
import { KindredError } from '../../core/errors.js';
import { reasonOf } from './picture-store.js';
import { openSlotStorage, type SlotStorageHandle } from './slot-storage.js';
import { createSlotTable } from './slot-table.js';

/** Part of every key. Raise it when decoding, augmentation or the layout of an entry changes: then no older entry is found. */
export const cacheFormat = 1;

/** What the workers share. */
export interface ActivationCacheSetup {
  /** Null where nothing can be kept: activations still go through half precision. */
  readonly storage: SlotStorageHandle | null;
  /** How messages name it. */
  readonly place: string;
  readonly slots: number;
  /** Activations of one picture. */
  readonly values: number;
  readonly stamp: number;
  /** Hash over all that decides a picture's activations beside the picture and its view. */
  readonly identity: string;
  /** Int32: 1 once it could not be written to, or read from; one warning each. */
  readonly failed: SharedArrayBuffer;
}

export interface ActivationCache {
  /** Activations of one picture. */
  readonly values: number;
  key(imageHash: Uint8Array, view: string): Uint8Array;
  /** Writes the activations under a key to `target`; false when they have to be computed. */
  get(key: Uint8Array, target: Float32Array): boolean;
  /**
   * Rounds computed activations to half precision into `target`, as `get` would give them, and keeps them if it can.
   * @throws KindredError invalid-option when half precision cannot hold them
   */
  put(key: Uint8Array, activations: Float32Array, target: Float32Array): void;
}

/**
 * A worker's view of the cache. Activations pass through half precision whether they come from the cache or not, so that a
 * run's numbers do not depend on what was cached.
 * @param environment what else decides the last bits: versions and processor
 */
export function openActivationCache(
  setup: ActivationCacheSetup,
  environment: string,
  warn: (text: string) => void,
): ActivationCache {
  const { slots, values, stamp, place } = setup;
  const payloadBytes = values * Uint16Array.BYTES_PER_ELEMENT;
  const storage = setup.storage && openSlotStorage(setup.storage);
  const table = storage && createSlotTable({ storage, slots, payloadBytes, stamp });
  const failed = new Int32Array(setup.failed);
  const failOnce = (which: 0 | 1, text: string): void => {
    if (Atomics.exchange(failed, which, 1) === 0) warn(text);
  };

  const read = (key: Uint8Array): Uint8Array | null => {
    try {
      return table?.get(key) ?? null;
    } catch (error) {
      failOnce(1, `part of the cache in ${place} cannot be read (${String(error)}): it is computed anew`);
      return null;
    }
  };

  return {
    values,
    key: (imageHash, view) =>
      createHash('sha256')
        .update(JSON.stringify([cacheFormat, setup.identity, environment, view]))
        .update(imageHash)
        .digest(),
    get(key, target) {
      const bytes = read(key);
      if (bytes === null) return false;
      decodeHalf(new Uint16Array(bytes.buffer, bytes.byteOffset, values), target);
      return true;
    },
    put(key, activations, target) {
      const halves = encodeHalf(activations);
      if (!allFinite(halves)) {
        throw new KindredError('invalid-option', 'this network’s activations do not fit in half precision', {
          hint: 'Train with --cache off.',
          field: '--cache',
        });
      }
      decodeHalf(halves, target);
      if (Atomics.load(failed, 0) === 1) return;
      try {
        table?.put(key, new Uint8Array(halves.buffer));
      } catch (error) {
        failOnce(0, `${reasonOf(error, place)}: training goes on, but nothing more is cached`);
      }
    },
  };
}
