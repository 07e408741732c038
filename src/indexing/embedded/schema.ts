import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { KindredError } from '../../core/errors.js';
import { pragma, retainStatements } from './statements.js';
import { applicationId, formatVersion } from './format.js';
import { valueAsNumber } from './rows.js';
import { damaged, sqliteError } from './sqlite-errors.js';

export interface CatalogueIdentity {
  readonly fingerprint: string;
  readonly dimension: number;
  /** Made when the catalogue is created: a graph of another catalogue is never taken for ours. */
  readonly uuid: string;
  /** Version of its tables. */
  readonly format: number;
}

export interface OpenDatabaseOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** Create the database when it is not there. */
  readonly create?: { readonly fingerprint: string; readonly dimension: number } | undefined;
}

/* Ranges of numbers, and their counts, without reading a field's every value. Since format 2. */
export const numberIndex = `
CREATE INDEX IF NOT EXISTS fields_by_number ON fields (field, ${valueAsNumber}) WHERE ${valueAsNumber} IS NOT NULL;
`;

/* `row` is the label in the graph. AUTOINCREMENT: a row number is never given twice, so a label always means one vector. */
const tables = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  label TEXT,
  metadata TEXT NOT NULL,
  image_path TEXT,
  width INTEGER,
  height INTEGER,
  content_hash TEXT NOT NULL,
  embedding BLOB NOT NULL,
  checksum INTEGER NOT NULL
);
CREATE TABLE fields (
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  item INTEGER NOT NULL,
  kind TEXT NOT NULL,
  PRIMARY KEY (field, value, item)
) WITHOUT ROWID;
CREATE INDEX fields_by_item ON fields (item);
CREATE TABLE changes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  op TEXT NOT NULL CHECK (op IN ('put', 'delete')),
  id TEXT NOT NULL,
  row INTEGER NOT NULL,
  stamp INTEGER NOT NULL
);
`;

function createTables(db: Database.Database, identity: Omit<CatalogueIdentity, 'format'>): void {
  db.transaction(() => {
    db.exec(tables);
    db.exec(numberIndex);
    const insert = db.prepare<[string, string]>('INSERT INTO meta (key, value) VALUES (?, ?)');
    insert.run('fingerprint', identity.fingerprint);
    insert.run('dimension', String(identity.dimension));
    insert.run('uuid', identity.uuid);
    pragma(db, `application_id = ${applicationId}`);
    pragma(db, `user_version = ${formatVersion}`);
  }).exclusive();
}

function readIdentity(db: Database.Database, path: string): CatalogueIdentity {
  const version = Number(pragma(db, 'user_version'));
  if (pragma(db, 'application_id') !== applicationId) {
    throw damaged(path, 'it is not a kindred catalogue');
  }
  if (version > formatVersion) {
    throw new KindredError(
      'index-too-new',
      `${path} has format ${version}, this kindred reads up to format ${formatVersion}`,
      { hint: 'Update kindred, or index again into another folder.' },
    );
  }
  const rows = db.prepare<[], { key: string; value: string }>('SELECT key, value FROM meta').all();
  const meta = new Map(rows.map((row) => [row.key, row.value]));
  const dimension = Number(meta.get('dimension'));
  const fingerprint = meta.get('fingerprint');
  const uuid = meta.get('uuid');
  if (!Number.isInteger(dimension) || dimension < 1 || fingerprint === undefined || uuid === undefined) {
    throw damaged(path, 'its description of the model is incomplete');
  }
  return { dimension, fingerprint, uuid, format: version };
}

/**
 * Opens catalogue.db, write-ahead logged and synced at every commit.
 * @throws KindredError index-missing, index-damaged, index-too-new, folder-not-writable, disk-full, index-locked
 */
export function openDatabase(options: OpenDatabaseOptions): { db: Database.Database; identity: CatalogueIdentity } {
  const { path, readOnly, create } = options;
  const fresh = create !== undefined && !existsSync(path);
  if (!fresh && !existsSync(path)) {
    throw new KindredError('index-missing', `there is no catalogue at ${path}`, {
      hint: 'Make one with kindred index --model MODEL --images DIR --out INDEX.',
    });
  }
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: readOnly, fileMustExist: !fresh, timeout: 5000 });
    retainStatements(db);
    if (!readOnly) {
      pragma(db, 'journal_mode = WAL');
      pragma(db, 'synchronous = FULL');
    }
    if (fresh) createTables(db, { ...create, uuid: randomUUID() });
    return { db, identity: readIdentity(db, path) };
  } catch (error) {
    db?.close();
    throw sqliteError(error, path);
  }
}

/** Folds the log into the database and leaves one plain file, which also opens in a read-only folder. */
export function closeDatabase(db: Database.Database): void {
  try {
    if (!db.readonly) pragma(db, 'journal_mode = DELETE');
  } catch {
    // A reader still has it open: the log stays, and the next opening folds it in.
  }
  db.close();
}
