import type { Metadata } from '../../core/metadata.js';
import type { Neighbour } from '../catalogue.js';

/**
 * The answer of a search on its way between threads. One text and two blocks of numbers cost a third of what cloning as
 * many objects does, and what SQLite has put into the text the owner need not look at.
 */
export interface PackedNeighbours {
  /** A JSON array of `packedColumns`. */
  readonly items: string;
  readonly distances: Float64Array;
  /** NaN: not known. */
  readonly densities: Float64Array;
}

/** One item as JSON, made by SQLite. */
export const packedColumns = 'json_array(id, label, json(metadata), image_path, width, height, content_hash)';

type PackedItem = [
  id: string,
  label: string | null,
  metadata: Metadata,
  imagePath: string | null,
  width: number | null,
  height: number | null,
  contentHash: string,
];

/** Rows were checked when they were read for the first time; this makes sure of the columns and their order. */
function isPacked(value: unknown): value is PackedItem[] {
  return Array.isArray(value) && value.every((one) => Array.isArray(one) && one.length === 7);
}

export function unpackNeighbours(
  { items, distances, densities }: PackedNeighbours,
  pathOf: (stored: string | null) => string | null,
): Neighbour[] {
  const parsed: unknown = JSON.parse(items);
  if (!isPacked(parsed)) throw new TypeError('the owner’s answer has other columns');
  return parsed.map(([id, label, metadata, imagePath, width, height, contentHash], index) => {
    const density = densities[index] ?? NaN;
    return {
      item: { id, label, metadata, imagePath: pathOf(imagePath), width, height, contentHash },
      distance: distances[index] ?? NaN,
      density: Number.isNaN(density) ? null : density,
    };
  });
}
