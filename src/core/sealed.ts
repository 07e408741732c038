import { sha256 } from './hashing.js';

type Json = Readonly<Record<string, unknown>>;

function checksumOf(value: Json): string {
  return sha256(JSON.stringify(Object.entries(value).filter(([key]) => key !== 'checksum')));
}

/** Adds a checksum of everything else, so that a flipped bit in a file of JSON is found. */
export function seal<T extends Json>(value: T): T & { readonly checksum: string } {
  // As it will be read: what JSON leaves out or changes must not count.
  const written: unknown = JSON.parse(JSON.stringify(value));
  return { ...value, checksum: checksumOf(isJson(written) ? written : {}) };
}

/** False where the checksum is not that of the rest. True without one: files of before have none. */
export function isIntact(value: unknown): boolean {
  if (!isJson(value)) return false;
  return value['checksum'] === undefined || value['checksum'] === checksumOf(value);
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
