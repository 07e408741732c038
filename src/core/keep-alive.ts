const alive: unknown[] = [];

/**
 * Keeps an object from being garbage-collected, for as long as the thread lives. better-sqlite3 12, built against the
 * headers of Node 24.19 and newer, aborts the process when V8 collects one of its databases or statements (an assertion
 * in node::RemoveEnvironmentCleanupHook); version 13, which does not, needs Node 22. So here none is ever collected.
 */
export function keptAlive<T>(object: T): T {
  alive.push(object);
  return object;
}
