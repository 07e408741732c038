import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import type Database from 'better-sqlite3';
import { keptAlive } from '../core/keep-alive.js';
import { isSystemError, KindredError, writeError } from '../core/errors.js';
import { addonMissing, sqliteError } from './embedded/sqlite-errors.js';

export interface IndexLock {
  readonly release: () => Promise<void>;
}

async function loadSqlite(): Promise<typeof Database> {
  try {
    return (await import('better-sqlite3')).default;
  } catch (error) {
    throw error instanceof Error ? addonMissing(error) : error;
  }
}

function describeSelf(): string {
  const [, script = '', command = ''] = process.argv;
  return `pid ${process.pid} on ${hostname()} (${basename(script)} ${command}), since ${new Date().toISOString()}`;
}

/**
 * Makes this process the only writer of an index. The lock is an exclusive transaction on lock.db, which the operating
 * system drops when the process ends, however it ends; lock.txt only says who it is. A lock by process id would fail in
 * containers, where everyone is pid 1.
 * @throws KindredError index-locked naming the owner, folder-not-writable, disk-full, addon-missing
 */
export async function lockIndex(folder: string): Promise<IndexLock> {
  const Sqlite = await loadSqlite();
  const path = join(folder, 'lock.db');
  const ownerPath = join(folder, 'lock.txt');
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw writeError(error, folder);
  }
  let db: Database.Database | undefined;
  try {
    db = keptAlive(new Sqlite(path, { timeout: 0 }));
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (!isSystemError(error, 'SQLITE_BUSY')) throw sqliteError(error, path);
    const owner = await readFile(ownerPath, 'utf8').catch(() => 'another process');
    throw new KindredError('index-locked', `the index ${folder} is in use by ${owner.trim().slice(0, 300)}`, {
      hint: 'Stop that process, or wait for it. To a server that takes writes, send them over HTTP.',
      cause: error,
    });
  }
  const held = db;
  await writeFile(ownerPath, `${describeSelf()}\n`).catch(() => undefined);
  return {
    async release() {
      await rm(ownerPath, { force: true }).catch(() => undefined);
      held.close();
    },
  };
}
