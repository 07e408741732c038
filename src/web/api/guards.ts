import type { ApiSession } from '../../server/schemas/session.js';
import type { ApiItem, ApiItems, ApiModel, ApiProblem, ApiSearchResponse, ApiStats } from '../../server/schemas/api.js';

/**
 * Light checks of an answer's shape. The server validates its own answers; these only catch an answer that is not
 * kindred's at all, such as a proxy's page.
 */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
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

export function isStats(value: unknown): value is ApiStats {
  return isObject(value) && typeof value['items'] === 'number' && Array.isArray(value['fields']);
}

export function isProblem(value: unknown): value is ApiProblem {
  return isObject(value) && typeof value['title'] === 'string' && typeof value['code'] === 'string';
}

export function isModel(value: unknown): value is ApiModel {
  return isObject(value) && typeof value['backbone'] === 'string';
}

export function isSession(value: unknown): value is ApiSession {
  return isObject(value) && typeof value['scope'] === 'string' && 'name' in value;
}
