import { readSync, writeSync } from 'node:fs';

/** Bytes at positions, for one cache. Threads, and for a file processes, may use it at once: what is read is checked. */
export interface SlotStorage {
  /** Fills `target` from `position` on; false where that much was never written. @throws system errors (EIO …) */
  read(position: number, target: Uint8Array): boolean;
  /** @throws system errors (ENOSPC, EIO …) */
  write(position: number, bytes: Uint8Array): void;
}

/** What a worker is told to open a storage: both can be shared by the threads of a process. */
export type SlotStorageHandle =
  | { readonly kind: 'memory'; readonly bytes: SharedArrayBuffer }
  /** A file descriptor, which belongs to the process and not to a thread. */
  | { readonly kind: 'file'; readonly descriptor: number };

export function openSlotStorage(handle: SlotStorageHandle): SlotStorage {
  if (handle.kind === 'memory') {
    // A view of each piece: one of the whole could not be longer than 4 GiB.
    const piece = (position: number, length: number): Uint8Array => new Uint8Array(handle.bytes, position, length);
    return {
      read(position, target) {
        target.set(piece(position, target.length));
        return true;
      },
      write: (position, bytes) => piece(position, bytes.length).set(bytes),
    };
  }
  const { descriptor } = handle;
  return {
    read(position, target) {
      let done = 0;
      while (done < target.length) {
        const count = readSync(descriptor, target, done, target.length - done, position + done);
        if (count === 0) return false;
        done += count;
      }
      return true;
    },
    write(position, bytes) {
      let done = 0;
      while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
    },
  };
}
