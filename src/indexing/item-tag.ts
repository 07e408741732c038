import { sha256 } from '../core/hashing.js';
import type { CatalogueItem } from './catalogue.js';

/**
 * Changes whenever anything changes that a reader of the item sees: an entity tag without its quotes. 32 hexadecimal
 * digits; equal content has equal tags in every catalogue.
 */
export function itemTag({ id, label, metadata, width, height, contentHash }: Omit<CatalogueItem, 'imagePath'>): string {
  const fields = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sha256(JSON.stringify([id, label, fields, width, height, contentHash])).slice(0, 32);
}
