/** Buffers by key, least recently used ones dropped first, so that together they hold at most `capacity` bytes. */
export interface ByteCache {
  readonly bytes: number;
  get(key: string): Buffer | undefined;
  /** Keeps the buffer, unless it alone is larger than the cache. */
  set(key: string, value: Buffer): void;
}

export function createByteCache(capacity: number): ByteCache {
  const entries = new Map<string, Buffer>(); // in order of last use
  let bytes = 0;
  const remove = (key: string): void => {
    bytes -= entries.get(key)?.byteLength ?? 0;
    entries.delete(key);
  };
  return {
    get bytes() {
      return bytes;
    },
    get(key) {
      const found = entries.get(key);
      if (found !== undefined) {
        entries.delete(key);
        entries.set(key, found);
      }
      return found;
    },
    set(key, value) {
      remove(key);
      if (value.byteLength > capacity) return;
      entries.set(key, value);
      bytes += value.byteLength;
      for (const oldest of entries.keys()) {
        if (bytes <= capacity) break;
        remove(oldest);
      }
    },
  };
}
