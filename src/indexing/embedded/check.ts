import { once } from 'node:events';
import { rename, rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { fromPlainError, KindredError, type PlainError, writeError } from '../../core/errors.js';
import { syncFile } from '../../core/files.js';
import { workerUrl } from '../../core/worker-url.js';
import type { CatalogueFacts, CheckJob } from './check-protocol.js';
import { sqliteError } from './sqlite-errors.js';

type Reply = { readonly ok: true; readonly facts: CatalogueFacts } | { readonly ok: false; readonly error: PlainError };

async function run(job: CheckJob): Promise<CatalogueFacts> {
  const worker = new Worker(workerUrl('./check-worker.js', import.meta.url), {
    name: 'kindred-check',
    workerData: job,
    execArgv: [],
  });
  let reply: Reply | undefined;
  worker.once('message', (message: Reply) => (reply = message));
  await once(worker, 'exit').catch((error: unknown) => {
    throw sqliteError(error, job.path);
  });
  if (reply === undefined) throw new KindredError('worker-died', `the thread that read ${job.path} has stopped`);
  if (!reply.ok) throw fromPlainError(reply.error);
  return reply.facts;
}

/**
 * Reads a catalogue.db to its end beside whoever writes it: SQLite's own check of the pages, and every row's checksum.
 * @throws KindredError index-damaged naming the item, index-missing, index-too-new, file-unreadable
 */
export function checkCatalogue(path: string): Promise<CatalogueFacts> {
  return run({ path });
}

/**
 * Copies a catalogue.db as it is at one instant, while reads and writes go on, and checks the copy. It is on the disk
 * when this resolves; on failure nothing is left.
 * @throws KindredError as checkCatalogue does; disk-full, folder-not-writable
 */
export async function copyCatalogue(path: string, to: string): Promise<CatalogueFacts> {
  const temporary = `${to}.tmp`;
  try {
    const facts = await run({ path, to: temporary });
    await syncFile(temporary);
    await rename(temporary, to);
    return facts;
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(error, to);
  }
}
