/** Values that take time, asked for a few steps before they are needed; never more than `ahead` besides the one in use. */
export interface Prefetch<Value> {
  /** The value of this step; those of the next `ahead` steps (before `end`) are being made when it returns. */
  take(step: number): Promise<Value>;
  /** Waits for what is under way, whatever comes of it. */
  settle(): Promise<void>;
}

export function createPrefetch<Value>(
  make: (step: number) => Promise<Value>,
  options: { readonly ahead: number; readonly end: number },
): Prefetch<Value> {
  const queue = new Map<number, Promise<Value>>();
  const ask = (step: number): Promise<Value> => {
    const known = queue.get(step);
    if (known) return known;
    const made = make(step);
    made.catch(() => undefined); // reported when its turn comes
    queue.set(step, made);
    return made;
  };
  return {
    async take(step) {
      const wanted = ask(step);
      for (let soon = step + 1; soon <= Math.min(step + options.ahead, options.end - 1); soon++) void ask(soon);
      const value = await wanted;
      queue.delete(step);
      return value;
    },
    async settle() {
      await Promise.allSettled(queue.values());
    },
  };
}
