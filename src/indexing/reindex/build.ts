import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import { exists } from '../../core/files.js';
import type { Catalogue } from '../catalogue.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from '../embedded/embedded-catalogue.js';
import { fillVersion } from '../folder/create.js';
import { writeVersionInfo } from '../folder/info.js';
import type { SkippedItem } from '../sync-types.js';
import type { WorkOptions } from '../vectors.js';
import { createCarrier, refuseSkipped } from './carry.js';
import { readOrigin, writeOrigin } from './origin.js';
import { builtFolder } from './switch.js';

export interface BuildOptions {
  /** The new model's bundle, and its embedder. */
  readonly bundleFolder: string;
  readonly embedder: Embedder;
  /** The version to build from. */
  readonly from: number;
  readonly skipMissing: boolean;
}

export interface Built {
  /** The last change that it holds. */
  readonly replayedTo: number;
  readonly items: number;
  readonly embedded: number;
  readonly skipped: readonly SkippedItem[];
  /** Whether an earlier run's work was gone on with. */
  readonly resumed: boolean;
}

/** Calls to the embedder at a time: while one's outcomes are stored, the next ones keep its workers busy. */
const callsInFlight = 3;
const page = 1000;
/** Thousands of changes brought over when all items were: what is left is the switch's. */
const pagesAfterScan = 1000;

const stopped = (): KindredError =>
  new KindredError('interrupted', 'stopped; what was embedded is kept', {
    hint: 'Run the same command again to go on from there.',
  });

async function* pages(source: Pick<Catalogue, 'scan'>) {
  let after: string | undefined;
  do {
    const found = await source.scan({ limit: page, ...(after !== undefined && { after }) });
    yield found;
    after = found.next;
  } while (after !== undefined);
}

/** Said before hours of embedding, not after. @throws KindredError reindex-incomplete */
async function refuseMissing(source: Catalogue, { signal, progress }: WorkOptions): Promise<void> {
  const missing = new Map<string, SkippedItem>();
  let done = 0;
  for await (const { items, total } of pages(source)) {
    if (signal.aborted) throw stopped();
    await Promise.all(
      items.map(async ({ id, imagePath }) => {
        const fault = { id, path: imagePath ?? '', code: 'image-missing' as const };
        if (imagePath === null) missing.set(id, { ...fault, message: 'it came as a vector' });
        else await access(imagePath).catch(() => missing.set(id, { ...fault, message: 'its picture is gone' }));
      }),
    );
    progress({ stage: 'looking for pictures', done: (done += items.length), total });
  }
  refuseSkipped(missing);
}

/** Opens what an earlier run began, where it is of the same model and version, or begins anew. */
async function openTarget(root: string, options: BuildOptions): Promise<[EmbeddedCatalogue, boolean]> {
  const folder = join(root, builtFolder);
  const { bundleFolder, from, skipMissing, embedder } = options;
  const { fingerprint, dimension } = embedder;
  if (await exists(join(folder, 'index.json'))) {
    const origin = await readOrigin(folder).catch(() => undefined);
    const begun = await openEmbeddedCatalogue({ folder, imageRoot: root }).catch(() => undefined);
    if (origin?.from === from && begun?.fingerprint === fingerprint) return [begun, true];
    await begun?.close();
  }
  await rm(folder, { recursive: true, force: true });
  await fillVersion(folder, { bundleFolder, fingerprint, dimension });
  await writeOrigin(folder, { from, skipMissing, replayedTo: 0, switchedAt: null });
  await writeVersionInfo(folder, { fingerprint, dimension });
  return [await openEmbeddedCatalogue({ folder, imageRoot: root }), false];
}

async function carryAll(source: Catalogue, target: Catalogue, options: BuildOptions, work: WorkOptions) {
  const { embedder, skipMissing } = options;
  const carrier = createCarrier({ source, target, embedder });
  const { changeNumber } = await source.stats();
  const running = new Set<Promise<void>>();
  let fault: unknown;
  let done = 0;
  for await (const { items, total } of pages(source)) {
    for (let first = 0; first < items.length; first += embedder.preferredBatch) {
      if (work.signal.aborted || fault !== undefined) break;
      const ids = items.slice(first, first + embedder.preferredBatch).map(({ id }) => id);
      const task = carrier.bring(ids).then(
        () => work.progress({ stage: 're-indexing', done: (done += ids.length), total }),
        (error: unknown) => (fault ??= error),
      );
      const tracked = task.then(() => void running.delete(tracked));
      running.add(tracked);
      if (running.size >= callsInFlight) await Promise.race(running);
    }
  }
  await Promise.all(running);
  if (fault !== undefined) throw fault instanceof Error ? fault : new Error('embedding failed', { cause: fault });
  if (work.signal.aborted) throw stopped();
  // Deleted since an earlier run brought them over, and never in the change log that is read below.
  const known = await source.contentHashes();
  await carrier.bring([...(await target.contentHashes()).keys()].filter((id) => !known.has(id)));
  const replayedTo = await carrier.replay(changeNumber, pagesAfterScan);
  if (!skipMissing) refuseSkipped(carrier.skipped);
  return { carrier, replayedTo };
}

/**
 * Builds a version with another model beside those of the index: every item of `source` is embedded again from its
 * picture. What a run that was stopped has done is kept for the next one.
 * @throws KindredError reindex-incomplete, interrupted, disk-full, folder-not-writable, and what embedding throws
 */
export async function buildVersion(
  root: string,
  source: Catalogue,
  options: BuildOptions,
  work: WorkOptions,
): Promise<Built> {
  if (!options.skipMissing) await refuseMissing(source, work);
  const [target, resumed] = await openTarget(root, options);
  try {
    const { carrier, replayedTo } = await carryAll(source, target, options, work);
    work.progress({ stage: 'building the graph', done: 0 });
    await target.settled();
    const { items } = await target.stats();
    const { from, skipMissing } = options;
    await writeOrigin(join(root, builtFolder), { from, skipMissing, replayedTo, switchedAt: null });
    return { replayedTo, items, embedded: carrier.embedded(), skipped: [...carrier.skipped.values()], resumed };
  } finally {
    await target.close();
  }
}
