import type { KindredError } from '../core/errors.js';
import type { CatalogueItem } from '../indexing/catalogue.js';
import type { ScoredNeighbour } from '../search/scoring.js';
import type { SearchAnswer } from '../search/search.js';
import type { Timings } from '../search/stopwatch.js';
import { toProblem } from './problem.js';
import type { ApiItem, ApiProblem, ApiResult, ApiSearchResponse } from './schemas/api.js';

/** What the outside sees of an item: all but where its picture lies. */
export function presentItem({ id, label, metadata, imagePath, width, height }: CatalogueItem): ApiItem {
  const image = imagePath === null ? null : imageOf(id);
  return { id, label, metadata, image, width, height };
}

function imageOf(id: string): string {
  return `v1/items/${encodeURIComponent(id)}/image`;
}

/** Written out: an answer has many of them, and a literal is made several times as fast as a copy with additions. */
export function presentResult({ item, distance, score }: ScoredNeighbour): ApiResult {
  const { id, label, metadata, imagePath, width, height } = item;
  const image = imagePath === null ? null : imageOf(id);
  return { id, label, metadata, image, width, height, distance, score, path: id };
}

export const roundedMs = (ms: number): number => Math.round(ms * 100) / 100;

/** @param tookMs how long the search took, without the time in which its request came in */
export function presentAnswer(answer: SearchAnswer, tookMs: number): ApiSearchResponse {
  const { results, groups, query, cursor, timings } = answer;
  const { embed, search, score } = timings;
  return {
    results: results.map(presentResult),
    ...(groups && { groups: groups.map(({ value, results: near }) => ({ value, results: near.map(presentResult) })) }),
    query,
    cursor,
    tookMs: roundedMs(tookMs),
    timings: { embed: roundedMs(embed), search: roundedMs(search), score: roundedMs(score) },
  };
}

/** The value of a Server-Timing header: browsers show it beside the request. */
export function serverTiming(timings: Timings, tookMs: number): string {
  const { embed, search, score } = timings;
  return Object.entries({ embed, search, score, total: tookMs })
    .map(([stage, ms]) => `${stage};dur=${roundedMs(ms)}`)
    .join(', ');
}

/** One of a batch: the answer, or what was wrong with it. */
export function presentOutcome(
  outcome: SearchAnswer | KindredError,
  tookMs: number,
): ApiSearchResponse | { problem: ApiProblem } {
  return outcome instanceof Error ? { problem: toProblem(outcome) } : presentAnswer(outcome, tookMs);
}
