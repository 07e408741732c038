import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { writeError } from '../../core/errors.js';
import { openSlotStorage } from './slot-storage.js';

/** A decoded picture and the SHA-256 of the file it was decoded from. */
export interface KeptPicture {
  readonly pixels: Uint8Array;
  readonly hash: Uint8Array;
}

/** What the workers share. A picture gets its slot when it is first decoded: the first ones in memory, the rest in a file. */
export interface PictureStoreSetup {
  readonly pixelBytes: number;
  readonly memory: SharedArrayBuffer;
  readonly memorySlots: number;
  /** Int32 a picture: 0 not kept yet, −1 being stored or not to be kept, else slot + 1. */
  readonly slots: SharedArrayBuffer;
  /** Int32: [slots given out, 1 once writing to the file has failed]. */
  readonly shared: SharedArrayBuffer;
  readonly descriptor: number | null;
}

export interface PictureStoreOptions {
  /** Shared memory for pictures at most. */
  readonly memoryBytes: number;
  /** Where the file for the others goes; it is made only when they do not all fit in memory, and ends with the run. */
  readonly folder: string;
  readonly count: number;
  readonly pixelBytes: number;
  readonly warn: (text: string) => void;
}

const hashBytes = 32;
const checksumBytes = 4;

const again = 'pictures that do not fit in memory are decoded anew each time';

/** The file has no name any more once it is open, so that nothing is left of it however the process ends. */
function openSpill({ folder, warn }: PictureStoreOptions): number | null {
  try {
    mkdirSync(folder, { recursive: true });
    const own = mkdtempSync(join(folder, 'pictures-'));
    try {
      return openSync(join(own, 'pixels'), 'wx+', 0o600);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  } catch (error) {
    warn(`${reasonOf(error, folder)}: ${again}`);
    return null;
  }
}

export function reasonOf(error: unknown, path: string): string {
  const coded = writeError(error, path);
  return coded instanceof Error ? coded.message : String(coded);
}

/** Made once, by whoever starts the workers. `close` after they have ended. */
export function createPictureStore(options: PictureStoreOptions): { setup: PictureStoreSetup; close: () => void } {
  const { count, pixelBytes, memoryBytes } = options;
  const slotBytes = hashBytes + pixelBytes;
  const memorySlots = Math.min(count, Math.floor(memoryBytes / slotBytes));
  const descriptor = memorySlots < count ? openSpill(options) : null;
  const setup = {
    pixelBytes,
    memory: new SharedArrayBuffer(memorySlots * slotBytes),
    memorySlots,
    slots: new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT),
    shared: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT),
    descriptor,
  };
  return { setup, close: () => descriptor !== null && closeSync(descriptor) };
}

export interface PictureStore {
  /** Null when it is not kept, or was damaged on the disk. */
  get(index: number): KeptPicture | null;
  put(index: number, picture: KeptPicture): void;
}

/** A worker's view of the store. */
export function openPictureStore(setup: PictureStoreSetup, warn: (text: string) => void): PictureStore {
  const { pixelBytes, memorySlots, descriptor } = setup;
  const slotBytes = hashBytes + pixelBytes;
  const recordBytes = checksumBytes + slotBytes;
  const memory = (slot: number): Uint8Array => new Uint8Array(setup.memory, slot * slotBytes, slotBytes);
  const slots = new Int32Array(setup.slots);
  const shared = new Int32Array(setup.shared);
  const file = descriptor === null ? null : openSlotStorage({ kind: 'file', descriptor });

  const split = (bytes: Uint8Array): KeptPicture => ({
    hash: bytes.slice(0, hashBytes),
    pixels: bytes.subarray(hashBytes),
  });

  const readFile = (index: number, slot: number): KeptPicture | null => {
    const record = Buffer.alloc(recordBytes);
    try {
      if (!file?.read((slot - memorySlots) * recordBytes, record)) return null;
    } catch {
      return null; // as good as damaged
    }
    const content = record.subarray(checksumBytes);
    return crc32(content, index) === record.readUInt32LE(0) ? split(content) : null;
  };

  const writeFile = (index: number, slot: number, { pixels, hash }: KeptPicture): void => {
    if (Atomics.load(shared, 1) === 1) return;
    const record = Buffer.alloc(recordBytes);
    record.set(hash, checksumBytes);
    record.set(pixels, checksumBytes + hashBytes);
    record.writeUInt32LE(crc32(record.subarray(checksumBytes), index), 0);
    try {
      file?.write((slot - memorySlots) * recordBytes, record);
    } catch (error) {
      if (Atomics.exchange(shared, 1, 1) === 0) warn(`${reasonOf(error, 'the decoded pictures')}: ${again}`);
    }
  };

  return {
    get(index) {
      const slot = Atomics.load(slots, index) - 1;
      if (slot < 0) return null;
      if (slot >= memorySlots) return readFile(index, slot);
      return split(memory(slot));
    },
    put(index, picture) {
      const known = Atomics.compareExchange(slots, index, 0, -1);
      if (known < 0) return; // another worker is at it, or there is no room
      const slot = known > 0 ? known - 1 : Atomics.add(shared, 0, 1);
      if (slot < memorySlots) {
        memory(slot).set(picture.hash);
        memory(slot).set(picture.pixels, hashBytes);
      } else if (file) {
        writeFile(index, slot, picture);
      } else {
        return;
      }
      Atomics.store(slots, index, slot + 1);
    },
  };
}
