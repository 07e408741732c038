import { crc32 } from 'node:zlib';
import type { SlotStorage } from './slot-storage.js';

/** Length of a key: a SHA-256. */
export const keyBytes = 32;
/** Key, checksum and stamp, with room to grow. */
const headerBytes = 64;
const checksumAt = 32;
const stampAt = 36;
/** A key may lie in any of this many neighbouring slots: a table that is four fifths full still takes nearly every entry. */
const window = 16;

export interface SlotTable {
  /** The payload under a key, valid until the next call; null when there is none, or none whose checksum is right. */
  get(key: Uint8Array): Uint8Array | null;
  /** False when every slot the key may use holds an entry of this run. */
  put(key: Uint8Array, payload: Uint8Array): boolean;
}

export interface SlotTableOptions {
  readonly storage: SlotStorage;
  readonly slots: number;
  /** Every payload has this length. */
  readonly payloadBytes: number;
  /** Tells entries of this run from those of others: a number in 1 … 2^32 − 1. */
  readonly stamp: number;
}

/** How many slots fit in so many bytes. */
export function slotsIn(bytes: number, payloadBytes: number): number {
  return Math.floor(bytes / (headerBytes + payloadBytes));
}

export function tableBytes(slots: number, payloadBytes: number): number {
  return slots * (headerBytes + payloadBytes);
}

/**
 * A hash table of fixed-size entries: all headers, then all payloads. The place follows from the key, so there is no index to load,
 * to lock or to lose: threads and processes read and write at once, and an entry that was torn by two writers, cut off or
 * damaged does not match its checksum (CRC-32 over key and payload), counts as absent and is written anew.
 *
 * When the slots of a key are taken, the entry of the longest unused run gives way, but none that this run uses: training goes
 * through its pictures in turn, and evicting the least recently used would drop each entry just before it is needed.
 */
export function createSlotTable({ storage, slots, payloadBytes, stamp }: SlotTableOptions): SlotTable {
  const span = Math.min(window, slots);
  const headers = Buffer.alloc(span * headerBytes);
  const payload = Buffer.alloc(payloadBytes);
  const none = Buffer.alloc(keyBytes);
  const stampValue = Buffer.alloc(4);
  stampValue.writeUInt32LE(stamp);

  /** Reads the headers a key may be under; the first slot's number. What lies beyond the end of the file is empty. */
  const look = (key: Uint8Array): number => {
    const first = Buffer.from(key.buffer, key.byteOffset).readUInt32LE(0) % (slots - span + 1);
    headers.fill(0);
    storage.read(first * headerBytes, headers);
    return first;
  };
  const keyOf = (i: number): Buffer => headers.subarray(i * headerBytes, i * headerBytes + keyBytes);
  const stampOf = (i: number): number => headers.readUInt32LE(i * headerBytes + stampAt);
  const payloadAt = (slot: number): number => slots * headerBytes + slot * payloadBytes;

  /** Marks an entry as used by this run. A mark that cannot be written only makes the entry easier to evict. */
  const restamp = (slot: number): void => {
    try {
      storage.write(slot * headerBytes + stampAt, stampValue);
    } catch {
      return;
    }
  };

  /** The slot of the window to write to, or −1. */
  const choose = (key: Uint8Array): number => {
    let chosen = -1;
    let oldest = Infinity;
    for (let i = 0; i < span; i++) {
      const found = keyOf(i);
      if (found.equals(key)) return i;
      const age = found.equals(none) ? -1 : stampOf(i) === stamp ? Infinity : stampOf(i);
      if (age < oldest) [chosen, oldest] = [i, age];
    }
    return chosen;
  };

  return {
    get(key) {
      const first = look(key);
      for (let i = 0; i < span; i++) {
        if (!keyOf(i).equals(key) || !storage.read(payloadAt(first + i), payload)) continue;
        if (crc32(payload, crc32(key)) !== headers.readUInt32LE(i * headerBytes + checksumAt)) continue;
        if (stampOf(i) !== stamp) restamp(first + i);
        return payload;
      }
      return null;
    },
    put(key, bytes) {
      const first = look(key);
      const chosen = choose(key);
      if (chosen < 0) return false;
      const header = Buffer.alloc(headerBytes);
      header.set(key);
      header.writeUInt32LE(crc32(bytes, crc32(key)), checksumAt);
      header.writeUInt32LE(stamp, stampAt);
      storage.write(payloadAt(first + chosen), bytes);
      storage.write((first + chosen) * headerBytes, header);
      return true;
    },
  };
}
