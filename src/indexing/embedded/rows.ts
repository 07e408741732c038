import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { MetadataValue } from '../../core/metadata.js';
import type { CatalogueItem } from '../catalogue.js';

/** A row of `items` without its embedding, as SQLite gives it. */
export interface ItemRow {
  readonly row: number;
  readonly id: string;
  readonly label: string | null;
  /** JSON */
  readonly metadata: string;
  readonly image_path: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly content_hash: string;
}

export interface StoredRow extends ItemRow {
  /** float32, little-endian */
  readonly embedding: Buffer;
  readonly checksum: number;
}

export const itemColumns = 'row, id, label, metadata, image_path, width, height, content_hash';

const metadataSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export function toItem(row: ItemRow): CatalogueItem {
  return {
    id: row.id,
    label: row.label,
    metadata: metadataSchema.parse(JSON.parse(row.metadata)),
    imagePath: row.image_path,
    width: row.width,
    height: row.height,
    contentHash: row.content_hash,
  };
}

/** CRC-32 over everything a row says: SQLite's pages carry no checksum of their own. */
export function rowChecksum(row: Omit<StoredRow, 'row' | 'checksum'>): number {
  const text = JSON.stringify([
    row.id,
    row.label,
    row.metadata,
    row.image_path,
    row.width,
    row.height,
    row.content_hash,
  ]);
  return crc32(row.embedding, crc32(text));
}

export function toBlob(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** What `fields` holds of an item: values compare as text, in which two equal numbers are equal as well. */
export function fieldsOf(item: CatalogueItem): { field: string; value: string; kind: string }[] {
  const fields = Object.entries(item.metadata)
    // `id` and `label` are the item's own; metadata of the same name is stored and shown, but not filtered by.
    .filter(([field]) => field !== 'id' && field !== 'label')
    .map(([field, value]) => ({ field, value: String(value), kind: typeof value }));
  return item.label === null ? fields : [{ field: 'label', value: item.label, kind: 'string' }, ...fields];
}

/** The value that `fieldsOf` made a text of. */
export function fromField(value: string, kind: string): MetadataValue {
  if (kind === 'number') return Number(value);
  return kind === 'boolean' ? value === 'true' : value;
}

/** The number that `value` is, or NULL: as item-filter.ts's numberOf tells it. Written alike in the index of schema.ts. */
export const valueAsNumber =
  "CASE WHEN value NOT GLOB '*[^-+.0-9eE]*' AND json_valid(value) THEN CAST(value AS REAL) END";
