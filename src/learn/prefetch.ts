/** Values that take time, asked for before they are needed. */
export interface Prefetch<Value> {
  /** The value of this step, made now if nobody asked for it before. Each can be taken once. */
  take(step: number): Promise<Value>;
  /** Starts making the values of these steps, those that exist and are not under way yet. */
  ask(first: number, last: number): void;
  /** Waits for what is under way, whatever comes of it. */
  settle(): Promise<void>;
}

/** @param end steps from here on do not exist */
export function createPrefetch<Value>(make: (step: number) => Promise<Value>, end: number): Prefetch<Value> {
  const queue = new Map<number, Promise<Value>>();
  const start = (step: number): Promise<Value> => {
    const known = queue.get(step);
    if (known) return known;
    const made = make(step);
    made.catch(() => undefined); // reported when its turn comes
    queue.set(step, made);
    return made;
  };
  return {
    async take(step) {
      try {
        return await start(step);
      } finally {
        queue.delete(step);
      }
    },
    ask(first, last) {
      for (let step = first; step <= Math.min(last, end - 1); step++) void start(step);
    },
    async settle() {
      await Promise.allSettled(queue.values());
    },
  };
}
