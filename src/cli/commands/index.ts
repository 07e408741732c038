import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import { exists, writeFileAtomic } from '../../core/files.js';
import { splitNames } from '../../data/dataset.js';
import { createIndex, removeIndex } from '../../indexing/folder/create.js';
import { readIndexInfo } from '../../indexing/folder/info.js';
import { createBlobStore } from '../../indexing/blobs.js';
import { openIndex, type OpenedIndex } from '../../indexing/index-folder.js';
import { syncIndex } from '../../indexing/indexer.js';
import type { SyncSummary } from '../../indexing/sync-types.js';
import { referPicture, storePicture } from '../../indexing/keep-picture.js';
import { calibrationFile } from '../../model/calibration.js';
import type { CommandContext, CommandModule } from '../command.js';
import { readSource } from './index-source.js';

const schema = z.object({
  model: z.string(),
  data: z.string().optional(),
  images: z.string().optional(),
  split: z.string().optional(),
  out: z.string(),
  storeImages: z.boolean().default(false),
  prune: z.boolean().default(false),
  strict: z.boolean().default(false),
  threads: wholeNumber(1, 256).optional(),
  json: z.boolean().default(false),
});
export type IndexOptions = z.infer<typeof schema>;

export type OpenEmbedder = (bundleFolder: string, options?: { threads?: number }) => Promise<Embedder>;

type Opened = Readonly<{ index: OpenedIndex; isNew: boolean }>;

async function openOrCreate(options: IndexOptions, embedder: Embedder): Promise<Opened> {
  const { fingerprint, dimension } = embedder;
  const info = await readIndexInfo(options.out);
  if (info === undefined) {
    const parts = { bundleFolder: options.model, fingerprint, dimension };
    return { index: await createIndex(options.out, parts), isNew: true };
  }
  if (info.fingerprint !== fingerprint) {
    throw new KindredError('model-mismatch', `${options.out} was made with another model than ${options.model}`, {
      hint: `Bring it to this model: kindred reindex ${options.out} --model ${options.model}`,
    });
  }
  const index = await openIndex(options.out);
  await adoptCalibration(options.model, index.modelFolder);
  return { index, isNew: false };
}

/** A model calibrated after it was indexed brings its scores along; what the index has of its own stays. */
async function adoptCalibration(from: string, to: string): Promise<void> {
  const [theirs, ours] = [join(from, calibrationFile), join(to, calibrationFile)];
  if ((await exists(ours)) || !(await exists(theirs))) return;
  await writeFileAtomic(ours, await readFile(theirs));
}

/**
 * Waits until the graph holds everything, which it mostly does by the time the last picture is embedded, and every local
 * density is known.
 */
async function finishGraph({ catalogue }: OpenedIndex, { progress, signal }: CommandContext): Promise<void> {
  const settled = catalogue.settled();
  const { items } = await catalogue.stats();
  const timer = setInterval(() => {
    catalogue.stats().then(
      ({ graph, densities }) =>
        progress(
          graph.state === 'building'
            ? { stage: 'building the graph', done: graph.items, total: items, unit: 'items' }
            : { stage: 'local densities', done: densities.items, total: items, unit: 'items' },
        ),
      () => undefined,
    );
  }, 500);
  const stopped = new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  await Promise.race([settled, stopped]).finally(() => clearInterval(timer));
}

export interface IndexReport extends SyncSummary {
  readonly index: string;
  readonly items: number;
  readonly seconds: number;
  /** Pictures embedded a second. */
  readonly imagesPerSecond: number;
}

/**
 * What `kindred index` does, with the embedder handed in.
 * @throws KindredError dataset-empty, model-mismatch, index-locked, interrupted, and what reading the source throws
 */
export async function runIndex(
  options: IndexOptions,
  context: CommandContext,
  openEmbedder: OpenEmbedder,
): Promise<IndexReport> {
  const source = await readSource(options);
  const [first] = source.skipped;
  if (options.strict && first) throw new KindredError(first.code, `${first.path}: ${first.message}`);
  const embedder = await openEmbedder(options.model, options.threads === undefined ? {} : { threads: options.threads });
  try {
    const { index, isNew } = await openOrCreate(options, embedder);
    try {
      for (const note of index.catalogue.notes) context.warn(note);
      const started = performance.now();
      const [{ prune, strict }, { catalogue }] = [options, index];
      const { progress, signal } = context;
      const keep = options.storeImages ? storePicture(createBlobStore(index.folder)) : referPicture;
      const parts = { catalogue, source: source.items, embedder, keep };
      const summary = await syncIndex({ ...parts, prune, strict, progress, signal });
      const seconds = (performance.now() - started) / 1000;
      await finishGraph(index, context);
      const { items } = await catalogue.stats();
      const skipped = [...source.skipped, ...summary.skipped];
      if (items === 0) {
        throw new KindredError('dataset-empty', `none of the ${skipped.length} pictures could be read`, {
          hint: skipped[0] && `The first one: ${skipped[0].path}: ${skipped[0].message}`,
        });
      }
      const imagesPerSecond = (summary.added + summary.replaced) / seconds;
      await index.close();
      return { index: index.folder, items, seconds, imagesPerSecond, ...summary, skipped };
    } catch (error) {
      // A new index that nothing came into is no index: whatever went wrong, it is taken away again.
      const stored = await index.catalogue.stats().catch(() => undefined);
      // What went wrong first is what the user should read.
      await index.close().catch(() => undefined);
      if (isNew && stored?.items === 0) await removeIndex(options.out);
      throw error;
    }
  } finally {
    await embedder.close();
  }
}

const number = (value: number): string => value.toLocaleString('en-US');

function listed(names: readonly string[], most: number): string {
  return names.slice(0, most).join(', ') + (names.length > most ? `, and ${number(names.length - most)} more` : '');
}

/** The summary a person reads. */
export function formatReport(report: IndexReport): string {
  const { added, replaced, metadataChanged, unchanged, vanished, pruned, skipped } = report;
  const embedded = added + replaced;
  const rate = embedded > 0 ? `, ${number(Math.round(report.imagesPerSecond))} images/s` : '';
  const lines = [
    `${report.index} holds ${number(report.items)} items (${report.seconds.toFixed(1)} s${rate})`,
    `  added ${number(added)}, replaced ${number(replaced)}, unchanged ${number(unchanged)}` +
      (metadataChanged > 0 ? `, new label or metadata ${number(metadataChanged)}` : ''),
  ];
  if (vanished.length > 0) {
    const fate = pruned > 0 ? `deleted ${number(pruned)}` : 'kept; --prune deletes them';
    lines.push(`  no longer there ${number(vanished.length)} (${fate}): ${listed(vanished, 5)}`);
  }
  if (skipped.length > 0) {
    lines.push(`  skipped ${number(skipped.length)}:`);
    for (const { path, code, message } of skipped.slice(0, 20)) lines.push(`    ${path}: ${message} [${code}]`);
    if (skipped.length > 20) lines.push(`    and ${number(skipped.length - 20)} more (--json lists them all)`);
  }
  return lines.join('\n');
}

export const command: CommandModule = {
  build(context) {
    return new Command('index')
      .description('embed images and index them')
      .option('--model <folder>', 'the model bundle, as written by kindred train')
      .option('--data <folder>', 'a prepared data set')
      .option('--split <name>', `only this part of the data set: ${splitNames.join(', ')}`)
      .option('--images <folder>', 'a folder of pictures; the first folder below it becomes the label')
      .option('--out <folder>', 'the index: made when it is not there, brought up to date when it is')
      .option('--store-images', 'keep copies of the pictures in the index, so that it can be moved; give it every time')
      .option('--prune', 'delete items that are no longer in the source')
      .option('--strict', 'stop at the first picture that cannot be read')
      .option('--threads <count>', 'threads that decode and embed (default: one a core)')
      .option('--json', 'print the summary as JSON')
      .addHelpText(
        'after',
        `
Running it again adds what is new, replaces what changed and says what vanished.

Examples:
  kindred index --model .kindred/model --data .kindred/data --out .kindred/index
  kindred index --model MODEL --images ~/photos --out photos-index --prune
  kindred index --model MODEL --images /mnt/card --out photos-index --store-images`,
      )
      .action(async (flags: Record<string, unknown>) => {
        const options = parseOptions('index', schema, flags);
        const { openEmbedder } = await import('../../compose.js');
        const report = await runIndex(options, context, openEmbedder);
        context.out(options.json ? JSON.stringify(report, undefined, 2) : formatReport(report));
      });
  },
};
