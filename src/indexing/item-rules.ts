import { KindredError } from '../core/errors.js';
import type { Metadata } from '../core/metadata.js';
import type { CatalogueItem, NewItem } from './catalogue.js';

export const maxIdBytes = 512;

/** What is wrong with an item's id, or undefined when nothing is. */
export function idProblem(id: string): string | undefined {
  if (id === '') return 'is empty';
  if (Buffer.byteLength(id) > maxIdBytes) return `is longer than ${maxIdBytes} bytes of UTF-8`;
  if (/\p{Cc}/u.test(id)) return 'holds a control character';
  if (/\p{Cs}/u.test(id)) return 'is not valid Unicode';
  return undefined;
}

function metadataProblem(metadata: Metadata): string | undefined {
  for (const [key, value] of Object.entries(metadata)) {
    if (key === '') return 'has a field without a name';
    if (typeof value === 'number' && !Number.isFinite(value)) return `field "${key}" is not a finite number`;
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      return `field "${key}" must be a string, a number or a boolean`;
    }
  }
  return undefined;
}

/**
 * Checks what is about to be stored; everything behind this line trusts it.
 * @throws KindredError invalid-request (id, metadata), invalid-vector (length, a value that is not finite, not unit length)
 */
export function checkNewItem(item: NewItem, dimension: number): void {
  const idFault = idProblem(item.id);
  if (idFault !== undefined) {
    throw new KindredError('invalid-request', `the id ${JSON.stringify(item.id.slice(0, 80))} ${idFault}`, {
      hint: `An id is 1 to ${maxIdBytes} bytes of UTF-8 without control characters.`,
      field: 'id',
    });
  }
  const metadataFault = metadataProblem(item.metadata);
  if (metadataFault !== undefined) {
    throw new KindredError('invalid-request', `metadata of "${item.id}" ${metadataFault}`, { field: 'metadata' });
  }
  checkVector(item.embedding, dimension, `the embedding of "${item.id}"`);
  let squared = 0;
  for (const value of item.embedding) squared += value * value;
  if (Math.abs(squared - 1) > 1e-2) {
    throw new KindredError('invalid-vector', `the embedding of "${item.id}" is not of unit length`, {
      field: 'embedding',
    });
  }
}

/** @throws KindredError invalid-vector: wrong length or a value that is not finite (hnswlib would take both in silence). */
export function checkVector(vector: Float32Array, dimension: number, name = 'vector'): void {
  if (vector.length !== dimension) {
    throw new KindredError('invalid-vector', `${name} has ${vector.length} numbers, this index takes ${dimension}`, {
      field: 'vector',
    });
  }
  for (const value of vector) {
    if (!Number.isFinite(value)) {
      throw new KindredError('invalid-vector', `${name} holds a value that is not a finite number`, {
        field: 'vector',
      });
    }
  }
}

/** Order of ids everywhere in a catalogue: by their UTF-8 bytes, as SQLite sorts them. */
export function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Equal whatever the order of the keys. */
export function sameMetadata(a: Metadata, b: Metadata): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

/** Equal in everything but the embedding. */
export function sameItem(a: CatalogueItem, b: CatalogueItem): boolean {
  return (
    a.label === b.label &&
    a.imagePath === b.imagePath &&
    a.width === b.width &&
    a.height === b.height &&
    a.contentHash === b.contentHash &&
    sameMetadata(a.metadata, b.metadata)
  );
}
