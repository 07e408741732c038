import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder } from '../../../src/core/cache-folder.js';

test.each([
  [{}, join(homedir(), '.cache', 'kindred')],
  [{ XDG_CACHE_HOME: '/caches' }, '/caches/kindred'],
  [{ XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache', 'kindred')],
  [{ XDG_CACHE_HOME: '/caches', KINDRED_CACHE: '/own' }, '/own'],
  [{ KINDRED_CACHE: '' }, join(homedir(), '.cache', 'kindred')],
])('%j: %s', (env, folder) => {
  expect(cacheFolder(env)).toBe(folder);
});
