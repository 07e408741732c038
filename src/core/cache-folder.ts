import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where kindred keeps what it can make or fetch again: `KINDRED_CACHE`, else the folder `kindred` in `XDG_CACHE_HOME` (which counts
 * only when it is absolute), else `~/.cache/kindred`.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['KINDRED_CACHE'];
  if (own !== undefined && own !== '') return own;
  const shared = env['XDG_CACHE_HOME'];
  return join(shared !== undefined && isAbsolute(shared) ? shared : join(homedir(), '.cache'), 'kindred');
}
