import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GroupCommit } from '../../src/indexing/embedded/group-commit.js';

let folder: string;
let db: Database.Database;
let group: GroupCommit;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kindred-group-'));
  db = new Database(join(folder, 'x.db'));
  db.exec('CREATE TABLE t (n INTEGER PRIMARY KEY)');
  group = new GroupCommit(db);
});
afterEach(async () => {
  db.close();
  await rm(folder, { recursive: true });
});

const insert = (n: number) =>
  group.run(
    () => db.prepare('INSERT INTO t VALUES (?)').run(n).changes,
    (changes) => changes + n,
  );
const stored = () => db.prepare('SELECT n FROM t ORDER BY n').pluck().all();

describe('GroupCommit', () => {
  it('needs one commit for all writes that wait, and tells each its own result', async () => {
    const results = await Promise.all(Array.from({ length: 64 }, (_, n) => insert(n)));
    expect(results).toEqual(Array.from({ length: 64 }, (_, n) => n + 1));
    expect([group.commits, stored().length]).toEqual([1, 64]);
    await insert(100);
    expect(group.commits).toBe(2);
  });

  it('undoes a write that fails, whole, and none of the others', async () => {
    const whole = (...numbers: number[]) =>
      group.run(
        () => numbers.forEach((n) => db.prepare('INSERT INTO t VALUES (?)').run(n)),
        () => undefined,
      );
    // 7 is stored, then 1 is found to be there: 7 goes again, and 1 and 3 stay.
    const outcomes = await Promise.allSettled([insert(1), whole(7, 1), insert(3)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([stored(), group.commits]).toEqual([[1, 3], 1]);
  });

  it('tells nobody of success when the commit fails', async () => {
    const writes = [insert(1), insert(2)];
    // A deferred constraint is looked at by the commit alone.
    db.exec('PRAGMA foreign_keys = ON; CREATE TABLE c (p INTEGER REFERENCES t(n) DEFERRABLE INITIALLY DEFERRED)');
    const bad = group.run(
      () => db.prepare('INSERT INTO c VALUES (99)').run(),
      () => 'told',
    );
    const outcomes = await Promise.allSettled([...writes, bad]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect([stored(), group.commits, db.inTransaction]).toEqual([[], 0, false]);
  });
});
