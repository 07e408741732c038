import { KindredError } from '../core/errors.js';

/** Nothing that is asked for needs more; beyond it, whoever walks the value could run out of stack. */
const mostLevels = 32;

function objectsIn(parts: readonly unknown[]): object[] {
  return parts.filter((part): part is object => typeof part === 'object' && part !== null);
}

/**
 * Refuses parsed JSON that is too deep, or that has a key that would vanish on its way. Goes level by level, and does
 * not call itself. @throws KindredError invalid-request
 */
export function checkDepth(value: unknown, what: string, field?: string): void {
  let level = objectsIn([value]);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > mostLevels) {
      throw new KindredError('invalid-request', `${what} is nested more than ${mostLevels} levels deep`, { field });
    }
    // Written as an escape it is the same key, so it is looked for in what was parsed.
    if (level.some((part) => Object.hasOwn(part, '__proto__'))) {
      throw new KindredError('invalid-request', `${what} has a key named __proto__`, { field });
    }
    level = level.flatMap((part) => objectsIn(Object.values(part)));
  }
}
