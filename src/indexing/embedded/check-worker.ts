import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { toPlainError } from '../../core/errors.js';
import type { CatalogueFacts } from './check-protocol.js';
import { openDatabase } from './schema.js';
import { sqliteError } from './sqlite-errors.js';
import { Truth } from './truth.js';

// Runs as a worker thread, since each of its few statements may take as long as the disk takes for the whole catalogue.
const { path, to } = z.object({ path: z.string(), to: z.string().optional() }).parse(workerData);

/**
 * VACUUM INTO reads everything in one transaction: the copy is of one instant, however many writes go on beside it. It
 * needs no backup object, which could be collected (see core/keep-alive.ts), and takes what deleted rows left out.
 */
function copy(target: string): void {
  const { db } = openDatabase({ path, readOnly: true });
  db.prepare('VACUUM INTO ?').run(target);
  db.close();
}

function check(target: string): CatalogueFacts {
  const { db, identity } = openDatabase({ path: target, readOnly: true });
  const truth = new Truth(db);
  const { dimension, fingerprint, format } = identity;
  const images = new Set<string>();
  let items = 0;
  for (const row of truth.load(dimension)) {
    items++;
    if (row.image_path !== null) images.add(row.image_path);
  }
  const facts = { format, fingerprint, dimension, items, changeNumber: truth.lastChange().number };
  db.close();
  return { ...facts, images: [...images] };
}

try {
  if (to !== undefined) copy(to);
  parentPort?.postMessage({ ok: true, facts: check(to ?? path) });
} catch (error) {
  parentPort?.postMessage({ ok: false, error: toPlainError(sqliteError(error, path)) });
}
