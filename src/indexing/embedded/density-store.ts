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
  change INTEGER NOT NULL
);
`;

const metaKey = 'densities';

/** Local densities in catalogue.db. They are a cache: what is odd is left out and computed again. */
export class DensityStore {
  readonly #db: Database.Database;
  readonly #present: boolean;

  /** Makes the table in a catalogue that is opened to write and has none. */
  constructor(db: Database.Database) {
    this.#db = db;
    if (!db.readonly) db.exec(table);
    this.#present =
      db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'densities'").get() !== undefined;
  }

  /** The change up to which all densities were brought; −1 where that never happened. */
  changeNumber(): number {
    const found = this.#db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(metaKey);
    return found === undefined ? -1 : Number(found.value);
  }

  load(): StoredDensity[] {
    if (!this.#present) return [];
    const rows = this.#db
      .prepare<[], { row: number; density: unknown; radius: unknown; change: unknown }>('SELECT * FROM densities')
      .all();
    return rows.flatMap(({ row, density, radius, change }) =>
      (density === null || (typeof density === 'number' && Number.isFinite(density))) &&
      (radius === null || typeof radius === 'number') &&
      typeof change === 'number'
        ? [{ row, density, radius: radius ?? Infinity, change }]
        : [],
    );
  }

  /** One transaction. @param broughtTo all densities are up to date with this change */
  save(entries: readonly StoredDensity[], gone: readonly number[], broughtTo?: number): void {
    const put = this.#db.prepare<[number, number | null, number | null, number]>(
      'INSERT OR REPLACE INTO densities (row, density, radius, change) VALUES (?, ?, ?, ?)',
    );
    const remove = this.#db.prepare<[number]>('DELETE FROM densities WHERE row = ?');
    const mark = this.#db.prepare<[string, string]>('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    this.#db
      .transaction(() => {
        for (const { row, density, radius, change } of entries) {
          put.run(row, density, radius === Infinity ? null : radius, change);
        }
        for (const row of gone) remove.run(row);
        if (broughtTo !== undefined) mark.run(metaKey, String(broughtTo));
      })
      .immediate();
  }
}
