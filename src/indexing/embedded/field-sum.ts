import { crc32 } from 'node:zlib';

/** A row of `fields`. */
export interface StoredField {
  readonly field: string;
  readonly value: string;
  readonly item: number;
  readonly kind: string;
}

/** Tells whether two collections of fields are the same, in whatever order they come. */
export class FieldSum {
  #count = 0;
  #sum = 0;

  add(item: number, fields: readonly Omit<StoredField, 'item'>[]): void {
    for (const { field, value, kind } of fields) {
      this.#count++;
      this.#sum = (this.#sum + crc32(`${item}\n${kind}\n${field}\n${value}`)) % Number.MAX_SAFE_INTEGER;
    }
  }

  equals(other: FieldSum): boolean {
    return this.#count === other.#count && this.#sum === other.#sum;
  }
}
