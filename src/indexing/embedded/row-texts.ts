/** Characters that are kept; items of one or two short fields take about 100. */
const most = 16_000_000;

/**
 * Texts of rows that answers were made of: reading them again takes a quarter of a search. The oldest make room. Whoever
 * writes a row forgets it here; `version` tells of writes by others.
 */
export class RowTexts {
  readonly #texts = new Map<number, string>();
  readonly #capacity: number;
  #characters = 0;
  #version: unknown;

  constructor(capacity = most) {
    this.#capacity = capacity;
  }

  /** @param version another one than before: something else has written, and nothing that is kept counts */
  at(version: unknown): void {
    if (version === this.#version) return;
    this.#version = version;
    this.#texts.clear();
    this.#characters = 0;
  }

  get(row: number): string | undefined {
    return this.#texts.get(row);
  }

  keep(row: number, text: string): void {
    this.forget(row);
    if (text.length > this.#capacity) return;
    this.#texts.set(row, text);
    this.#characters += text.length;
    for (const oldest of this.#texts.keys()) {
      if (this.#characters <= this.#capacity) return;
      this.forget(oldest);
    }
  }

  forget(row: number): void {
    this.#characters -= this.#texts.get(row)?.length ?? 0;
    this.#texts.delete(row);
  }
}
