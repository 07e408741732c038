const mostKept = 12;

/**
 * Pictures chosen on this device, so that back and forward find them again. They live as long as the page is open; an
 * address can only carry their key.
 */
export class Uploads {
  readonly #files = new Map<string, File>();
  #count = 0;

  add(file: File): string {
    this.#count += 1;
    // The time keeps a key of an earlier visit from naming another picture now.
    const key = `${Date.now().toString(36)}-${this.#count}`;
    this.#files.set(key, file);
    const oldest = this.#files.keys().next();
    if (this.#files.size > mostKept && !oldest.done) this.#files.delete(oldest.value);
    return key;
  }

  get(key: string): File | null {
    return this.#files.get(key) ?? null;
  }
}
