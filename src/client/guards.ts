import type {
  ApiEmbedding,
  ApiItem,
  ApiItems,
  ApiModel,
  ApiProblem,
  ApiSearchResponse,
  ApiStats,
} from '../server/schemas/api.js';
import type { ApiAudit } from '../server/schemas/audit.js';
import type { ApiSearchBatchResponse } from '../server/schemas/search.js';
import type { ApiSnapshot, ApiSnapshots } from '../server/schemas/snapshots.js';
import type { ApiWrite, BatchResult } from '../server/schemas/writes.js';

/**
 * Light checks of an answer's shape. The server's schemas say the rest; these only catch what is no answer of kindred's
 * at all, such as a proxy's page.
 */
export type Guard<T> = (value: unknown) => value is T;

type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isItem(value: unknown): value is ApiItem {
  return isObject(value) && typeof value['id'] === 'string' && isObject(value['metadata']);
}

export function isItems(value: unknown): value is ApiItems {
  return isObject(value) && Array.isArray(value['items']) && value['items'].every(isItem);
}

export function isSearchResponse(value: unknown): value is ApiSearchResponse {
  return isObject(value) && Array.isArray(value['results']) && value['results'].every(isItem);
}

export function isSearchBatchResponse(value: unknown): value is ApiSearchBatchResponse {
  return (
    isObject(value) &&
    Array.isArray(value['answers']) &&
    value['answers'].every((one: unknown) => isSearchResponse(one) || (isObject(one) && isProblem(one['problem'])))
  );
}

export function isEmbedding(value: unknown): value is ApiEmbedding {
  return isObject(value) && Array.isArray(value['embedding']) && typeof value['fingerprint'] === 'string';
}

export function isStats(value: unknown): value is ApiStats {
  return isObject(value) && typeof value['items'] === 'number' && Array.isArray(value['fields']);
}

export function isModel(value: unknown): value is ApiModel {
  return isObject(value) && typeof value['backbone'] === 'string' && typeof value['fingerprint'] === 'string';
}

export function isAudit(value: unknown): value is ApiAudit {
  return isObject(value) && (value['state'] === 'ready' || value['state'] === 'running');
}

export function isWrite(value: unknown): value is ApiWrite {
  return isObject(value) && typeof value['outcome'] === 'string' && isItem(value['item']);
}

export function isBatchResult(value: unknown): value is BatchResult {
  return isObject(value) && typeof value['line'] === 'number' && typeof value['outcome'] === 'string';
}

export function isSnapshot(value: unknown): value is ApiSnapshot {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['changeNumber'] === 'number';
}

export function isSnapshots(value: unknown): value is ApiSnapshots {
  return isObject(value) && Array.isArray(value['snapshots']) && value['snapshots'].every(isSnapshot);
}

export function isProblem(value: unknown): value is ApiProblem {
  return isObject(value) && typeof value['code'] === 'string' && typeof value['detail'] === 'string';
}
