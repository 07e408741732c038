import { randomInt } from 'node:crypto';
import type Database from 'better-sqlite3';
import { pragma } from './statements.js';
import { KindredError } from '../../core/errors.js';
import type { Change, NewItem, PutOutcome, WriteCondition } from '../catalogue.js';
import { sameItem } from '../item-rules.js';
import { itemTag } from '../item-tag.js';
import { FieldSum, type StoredField } from './field-sum.js';
import { fieldsOf, itemColumns, rowChecksum, type StoredRow, toBlob, toItem } from './rows.js';
import { damaged } from './sqlite-errors.js';

/** What a committed write means for the vectors in memory, the filters and the graph. */
export type VectorChange =
  | { readonly op: 'add'; readonly row: number; readonly item: NewItem }
  /** All but the vector has changed. */
  | { readonly op: 'describe'; readonly row: number; readonly item: NewItem }
  | { readonly op: 'remove'; readonly row: number };

/** hnswlib's labels are 32 bit wide here. */
const maxRow = 0xffffffff;

/** Rows read at a time when everything is loaded. */
const loadPage = 1000;

/** The writing and loading side of catalogue.db. Writes run within a transaction of the caller (group-commit.ts). */
export class Truth {
  readonly #db: Database.Database;
  readonly #find;
  readonly #insert;
  readonly #update;
  readonly #remove;
  readonly #addField;
  readonly #clearFields;
  readonly #log;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#find = db.prepare<[string], StoredRow>(`SELECT ${itemColumns}, embedding, checksum FROM items WHERE id = ?`);
    const columns = 'id, label, metadata, image_path, width, height, content_hash, embedding, checksum';
    const values = '@id, @label, @metadata, @image_path, @width, @height, @content_hash, @embedding, @checksum';
    this.#insert = db.prepare<[Omit<StoredRow, 'row'>]>(`INSERT INTO items (${columns}) VALUES (${values})`);
    this.#update = db.prepare<[StoredRow]>(`UPDATE items SET (${columns}) = (${values}) WHERE row = @row`);
    this.#remove = db.prepare<[number]>('DELETE FROM items WHERE row = ?');
    this.#addField = db.prepare<[string, string, number, string]>(
      'INSERT INTO fields (field, value, item, kind) VALUES (?, ?, ?, ?)',
    );
    this.#clearFields = db.prepare<[number]>('DELETE FROM fields WHERE item = ?');
    this.#log = db.prepare<[string, string, number, number]>(
      'INSERT INTO changes (op, id, row, stamp) VALUES (?, ?, ?, ?)',
    );
  }

  /** Number and stamp of the last change; 0 and 0 before the first. */
  lastChange(): { number: number; stamp: number } {
    const last = this.#db.prepare<[], { number: number; stamp: number }>(
      'SELECT number, stamp FROM changes ORDER BY number DESC LIMIT 1',
    );
    return last.get() ?? { number: 0, stamp: 0 };
  }

  changesSince(number: number, limit: number): Change[] {
    const after = this.#db.prepare<[number, number], Change>(
      'SELECT number, op, id FROM changes WHERE number > ? ORDER BY number LIMIT ?',
    );
    return after.all(number, limit);
  }

  /** True when the log has this very change: a copy of the database that went another way has another stamp there. */
  hasChange(number: number, stamp: number): boolean {
    if (number === 0) return true;
    const found = this.#db.prepare<[number], { stamp: number }>('SELECT stamp FROM changes WHERE number = ?');
    return found.get(number)?.stamp === stamp;
  }

  /** @throws KindredError precondition-failed */
  put(items: readonly NewItem[], condition?: WriteCondition): { outcomes: PutOutcome[]; changes: VectorChange[] } {
    const changes: VectorChange[] = [];
    const stamp = randomInt(2 ** 47);
    const outcomes = items.map((item) => {
      this.#check(item.id, condition);
      return this.#putOne(item, stamp, changes);
    });
    return { outcomes, changes };
  }

  #check(id: string, { ifMatch, ifAbsent }: WriteCondition = {}): void {
    if (ifMatch === undefined && ifAbsent !== true) return;
    const found = this.#find.get(id);
    const fails =
      ifAbsent === true ? found !== undefined : !found || (ifMatch !== '*' && itemTag(toItem(found)) !== ifMatch);
    if (!fails) return;
    const what = !found ? 'is not there' : ifAbsent === true ? 'is there already' : 'has changed since it was read';
    throw new KindredError('precondition-failed', `the item "${id.slice(0, 200)}" ${what}`, {
      hint: 'Read it again, and send its ETag as If-Match.',
      field: ifAbsent === true ? 'If-None-Match' : 'If-Match',
    });
  }

  #putOne(item: NewItem, stamp: number, changes: VectorChange[]): PutOutcome {
    const found = this.#find.get(item.id);
    const embedding = toBlob(item.embedding);
    const sameVector = found?.embedding.equals(embedding) ?? false;
    if (found && sameVector && sameItem(toItem(found), item)) return 'unchanged';
    const content = {
      id: item.id,
      label: item.label,
      metadata: JSON.stringify(item.metadata),
      image_path: item.imagePath,
      width: item.width,
      height: item.height,
      content_hash: item.contentHash,
      embedding,
    };
    const checksum = rowChecksum(content);
    let row = found?.row ?? 0;
    if (found) this.#clearFields.run(found.row);
    if (found && sameVector) {
      this.#update.run({ row, ...content, checksum });
      changes.push({ op: 'describe', row, item });
    } else {
      // A new vector gets a new row, hence a new label: hnswlib's update in place leaves badly linked points.
      if (found) {
        this.#remove.run(found.row);
        changes.push({ op: 'remove', row: found.row });
      }
      row = Number(this.#insert.run({ ...content, checksum }).lastInsertRowid);
      if (row > maxRow) throw new KindredError('internal', 'the catalogue has used up its row numbers: index again');
      changes.push({ op: 'add', row, item });
    }
    for (const { field, value, kind } of fieldsOf(item)) this.#addField.run(field, value, row, kind);
    this.#log.run('put', item.id, row, stamp);
    return found ? 'replaced' : 'added';
  }

  /** @throws KindredError precondition-failed */
  delete(ids: readonly string[], condition?: WriteCondition): VectorChange[] {
    const stamp = randomInt(2 ** 47);
    return ids.flatMap((id) => {
      this.#check(id, condition);
      const found = this.#find.get(id);
      if (!found) return [];
      this.#clearFields.run(found.row);
      this.#remove.run(found.row);
      this.#log.run('delete', id, found.row, stamp);
      return [{ op: 'remove', row: found.row }];
    });
  }

  /**
   * Every row in order, each checked, as the catalogue is at one instant: another process may write to it meanwhile.
   * @throws KindredError index-damaged naming the item
   */
  *load(dimension: number): Generator<StoredRow> {
    this.#db.prepare('BEGIN').run();
    try {
      // Indexes have no checksum of ours, and must say what their tables say.
      const verdict = pragma(this.#db, 'integrity_check(1)');
      if (verdict !== 'ok') throw damaged(this.#db.name, String(verdict));
      const fields = new FieldSum();
      for (const row of this.#rows(dimension)) {
        fields.add(row.row, fieldsOf(toItem(row)));
        yield row;
      }
      if (!fields.equals(this.#storedFields())) {
        throw damaged(this.#db.name, 'what filters go by is not what the items say');
      }
    } finally {
      this.#db.prepare('COMMIT').run();
    }
  }

  *#rows(dimension: number): Generator<StoredRow> {
    const page = this.#db.prepare<[number, number], StoredRow>(
      `SELECT ${itemColumns}, embedding, checksum FROM items WHERE row > ? ORDER BY row LIMIT ?`,
    );
    for (let rows = page.all(-1, loadPage); rows.length > 0; rows = page.all(rows.at(-1)?.row ?? 0, loadPage)) {
      for (const row of rows) {
        const intact =
          Buffer.isBuffer(row.embedding) && row.embedding.length === dimension * 4 && rowChecksum(row) === row.checksum;
        if (!intact) throw damaged(this.#db.name, `the item "${row.id}" (row ${row.row}) fails its checksum`);
        yield row;
      }
    }
  }

  #storedFields(): FieldSum {
    const sum = new FieldSum();
    const page = this.#db.prepare<[string, string, number, number], StoredField>(
      'SELECT field, value, item, kind FROM fields WHERE (field, value, item) > (?, ?, ?) ORDER BY field, value, item LIMIT ?',
    );
    for (let rows = page.all('', '', -1, loadPage); rows.length > 0;) {
      for (const row of rows) sum.add(row.item, [row]);
      const { field, value, item } = rows.at(-1) ?? { field: '', value: '', item: -1 };
      rows = page.all(field, value, item, loadPage);
    }
    return sum;
  }
}
