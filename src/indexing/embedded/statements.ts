import type Database from 'better-sqlite3';
import { keptAlive } from '../../core/keep-alive.js';

/**
 * Makes `db.prepare` give one statement for each text, and keeps them and the database from being collected (see
 * core/keep-alive.ts). So a statement must be done before its text is prepared again: read rows with `all`, never
 * with `iterate`, whose iterators would be collected too.
 */
export function retainStatements(db: Database.Database): void {
  const prepare = db.prepare.bind(db);
  const known = new Map<string, ReturnType<typeof prepare>>();
  Object.defineProperty(db, 'prepare', {
    value: (text: string) => {
      const found = known.get(text) ?? prepare(text);
      known.set(text, found);
      return found;
    },
  });
  keptAlive(db);
}

/**
 * Reads within one transaction: SQLite locks and unlocks the file once, and not for each statement, which takes most of a
 * small one's time.
 */
export function readTogether<T>(db: Database.Database, read: () => T): T {
  if (db.inTransaction) return read();
  db.prepare('BEGIN').run();
  try {
    return read();
  } finally {
    db.prepare('COMMIT').run();
  }
}

/** Runs a PRAGMA through `db.prepare`; returns the first value of its first row, undefined where it gives none. */
export function pragma(db: Database.Database, text: string): unknown {
  const statement = db.prepare<[], Record<string, unknown>>(`PRAGMA ${text}`);
  if (!statement.reader) {
    statement.run();
    return undefined;
  }
  return Object.values(statement.all()[0] ?? {})[0];
}
