import { isSystemError, KindredError } from '../../core/errors.js';

/**
 * Gives SQLite's and the native modules' errors a code that says what to do; passes anything else on as it is.
 * @param path the database the error was met with
 */
export function sqliteError(error: unknown, path: string): unknown {
  if (error instanceof KindredError || !isSystemError(error)) return error;
  const code = error.code ?? '';
  const wrap = (kind: ConstructorParameters<typeof KindredError>[0], message: string, hint: string): KindredError =>
    new KindredError(kind, message, { hint, cause: error });
  if (code === 'SQLITE_CORRUPT' || code.startsWith('SQLITE_CORRUPT_') || code === 'SQLITE_NOTADB') {
    return damaged(path, error.message, error);
  }
  if (code === 'SQLITE_FULL') {
    return wrap('disk-full', `no space left to write ${path}`, 'Free some space, then run the same command again.');
  }
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN') || code === 'SQLITE_PERM') {
    return wrap('folder-not-writable', `cannot open ${path} for writing`, 'Check its permissions and its folder’s.');
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return wrap('index-locked', `${path} is in use by another process`, 'Stop the other process, then try again.');
  }
  if (code.startsWith('SQLITE_IOERR')) {
    return wrap('file-unreadable', `reading or writing ${path} failed: ${error.message}`, 'Check the disk.');
  }
  if (code === 'ERR_DLOPEN_FAILED' || code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    return addonMissing(error);
  }
  return error;
}

export function damaged(path: string, what: string, cause?: unknown): KindredError {
  return new KindredError('index-damaged', `${path} is damaged: ${what}`, {
    hint: 'Move the index folder away and run kindred index again; the pictures are not touched.',
    cause,
  });
}

export function addonMissing(error: Error): KindredError {
  return new KindredError('addon-missing', `a native module of the index cannot be loaded: ${error.message}`, {
    hint: 'Run npm rebuild better-sqlite3 hnswlib-node (needs Python 3 and a C++ compiler); see kindred doctor.',
    cause: error,
  });
}
