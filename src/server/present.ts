import type { CatalogueItem } from '../indexing/catalogue.js';
import type { ScoredNeighbour } from '../search/scoring.js';
import type { SearchAnswer } from '../search/search.js';
import type { ApiItem, ApiResult, ApiSearchResponse } from './schemas/api.js';

/** What the outside sees of an item: all but where its picture lies. */
export function presentItem({ id, label, metadata, imagePath, width, height }: CatalogueItem): ApiItem {
  const image = imagePath === null ? null : `v1/items/${encodeURIComponent(id)}/image`;
  return { id, label, metadata, image, width, height };
}

export function presentResult({ item, distance, score }: ScoredNeighbour): ApiResult {
  return { ...presentItem(item), distance, score, path: item.id };
}

/** @param tookMs how long the search took, without the time in which its request came in */
export function presentAnswer({ results, query }: SearchAnswer, tookMs: number): ApiSearchResponse {
  return { results: results.map(presentResult), query, tookMs: Math.round(tookMs * 100) / 100 };
}
