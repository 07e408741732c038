import { crc32 } from 'node:zlib';
import type Database from 'better-sqlite3';
import type { DensityEntry } from './density-table.js';

export interface StoredDensity extends DensityEntry {
  readonly row: number;
}

/* Beside `items`, not in it: densities are a cache, and an older kindred that does not know the table leaves it alone. */
const table = `
CREATE TABLE IF NOT EXISTS densities (
  row INTEGER PRIMARY KEY,
  density REAL,
  radius REAL,
  change INTEGER NOT NULL,
  checksum INTEGER
);
`;

function checksumOf({ row, density, radius, change }: StoredDensity): number {
  return crc32(JSON.stringify([row, density, radius === Infinity ? null : radius, change]));
}

const metaKey = 'densities';

/** Local densities in catalogue.db. They are a cache: what is odd is left out and computed again. */
export class DensityStore {
  readonly #db: Database.Database;
  readonly #present: boolean;

  /** Makes the table in a catalogue that is opened to write and has none. */
  constructor(db: Database.Database) {
    this.#db = db;
    const columns = (): unknown[] => db.prepare("SELECT name FROM pragma_table_info('densities')").pluck().all();
    if (!db.readonly) {
      // Made by a kindred that wrote no checksums.
      if (columns().length > 0 && !columns().includes('checksum')) db.exec('DROP TABLE densities');
      db.exec(table);
    }
    this.#present = columns().includes('checksum');
  }

  /** The change up to which all densities were brought; −1 where that never happened. */
  changeNumber(): number {
    const found = this.#db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(metaKey);
    return found === undefined ? -1 : Number(found.value);
  }

  load(): StoredDensity[] {
    if (!this.#present) return [];
    const rows = this.#db
      .prepare<[], Omit<StoredDensity, 'radius'> & { radius: number | null; checksum: unknown }>(
        'SELECT * FROM densities',
      )
      .all();
    return rows.flatMap(({ row, density, radius, change, checksum }) => {
      const entry = { row, density, radius: radius ?? Infinity, change };
      return checksum === checksumOf(entry) ? [entry] : [];
    });
  }

  /** One transaction. @param broughtTo all densities are up to date with this change */
  save(entries: readonly StoredDensity[], gone: readonly number[], broughtTo?: number): void {
    const put = this.#db.prepare<[number, number | null, number | null, number, number]>(
      'INSERT OR REPLACE INTO densities (row, density, radius, change, checksum) VALUES (?, ?, ?, ?, ?)',
    );
    const remove = this.#db.prepare<[number]>('DELETE FROM densities WHERE row = ?');
    const mark = this.#db.prepare<[string, string]>('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    this.#db
      .transaction(() => {
        for (const entry of entries) {
          const { row, density, radius, change } = entry;
          put.run(row, density, radius === Infinity ? null : radius, change, checksumOf(entry));
        }
        for (const row of gone) remove.run(row);
        if (broughtTo !== undefined) mark.run(metaKey, String(broughtTo));
      })
      .immediate();
  }
}
