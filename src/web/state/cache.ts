const mostEntries = 40;
const maxAgeMs = 5 * 60_000;

/** The key under which an item is remembered. */
export function itemKey(id: string): string {
  return `item ${id}`;
}

/** Remembers answers for a while, so that going back shows them at once, in place and without a request. */
export class AnswerCache {
  readonly #entries = new Map<string, { readonly value: unknown; readonly at: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The remembered answer if `accepts` recognises it; keys are shared by answers of several kinds. */
  get<T>(key: string, accepts: (value: unknown) => value is T): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry || this.#now() - entry.at > maxAgeMs) return undefined;
    return accepts(entry.value) ? entry.value : undefined;
  }

  set(key: string, value: unknown): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, at: this.#now() });
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > mostEntries && !oldest.done) this.#entries.delete(oldest.value);
  }
}
