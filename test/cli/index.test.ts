import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandContext } from '../../src/cli/command.js';
import { formatReport, type IndexOptions, runIndex } from '../../src/cli/commands/index.js';
import { exists } from '../../src/core/files.js';
import { silent } from '../../src/core/progress.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { colourEmbedder, paint, temporaryFolder } from '../indexing/helpers.js';

let base: string;
let options: IndexOptions;
let warnings: string[];
let context: CommandContext;

beforeEach(async () => {
  base = await temporaryFolder();
  for (const folder of ['model', 'photos/cups', 'photos/jars/glass'])
    await mkdir(join(base, folder), { recursive: true });
  await writeFile(join(base, 'model', 'bundle.json'), '{}');
  options = {
    model: join(base, 'model'),
    images: join(base, 'photos'),
    out: join(base, 'index'),
    storeImages: false,
    prune: false,
    strict: false,
    json: false,
  };
  warnings = [];
  context = {
    out: () => undefined,
    warn: (text) => warnings.push(text),
    progress: silent,
    signal: new AbortController().signal,
  };
});

const photo = (name: string): string => join(base, 'photos', name);
const run = (changes: Partial<IndexOptions> = {}, fingerprint = 'colours') =>
  runIndex({ ...options, ...changes }, context, () => Promise.resolve(colourEmbedder({ fingerprint })));

async function paintThree(): Promise<void> {
  await paint(photo('cups/red.png'), { r: 255, g: 0, b: 0 });
  await paint(photo('jars/glass/blue.jpg'), { r: 0, g: 0, b: 255 });
  await paint(photo('loose.webp'), { r: 0, g: 255, b: 0 });
}

describe('kindred index --images', () => {
  it('indexes every picture below the folder, labelled by the first folder’s name', async () => {
    await paintThree();
    await writeFile(photo('notes.txt'), 'not a picture');
    const report = await run();
    expect(report).toMatchObject({ items: 3, added: 3, skipped: [], index: options.out });
    const index = await openIndex(options.out, { readOnly: true });
    const { items } = await index.catalogue.scan({ limit: 10 });
    expect(items.map(({ id, label }) => [id, label])).toEqual([
      ['cups/red.png', 'cups'],
      ['jars/glass/blue.jpg', 'jars'],
      ['loose.webp', null],
    ]);
    expect((await index.catalogue.stats()).graph).toEqual({ state: 'ready', items: 3, pending: 0 });
    await index.close();
  });

  it('brings an index up to date and says what happened', async () => {
    await paintThree();
    await run();
    await paint(photo('cups/red.png'), { r: 200, g: 0, b: 0 });
    await rm(photo('loose.webp'));
    await writeFile(photo('cups/broken.png'), 'no picture');
    const text = formatReport(await run());
    expect(text).toContain('holds 3 items');
    expect(text).toContain('added 0, replaced 1, unchanged 1');
    expect(text).toContain('no longer there 1 (kept; --prune deletes them): loose.webp');
    expect(text).toContain(`${photo('cups/broken.png')}: it cannot be decoded [image-unreadable]`);
    expect(formatReport(await run({ prune: true }))).toContain('no longer there 1 (deleted 1)');
  });

  it('keeps copies of the pictures on demand, which stay when the originals and the index move', async () => {
    await paintThree();
    await run();
    const embedder = colourEmbedder();
    const stored = await runIndex({ ...options, storeImages: true }, context, () => Promise.resolve(embedder));
    expect(stored).toMatchObject({ metadataChanged: 3, replaced: 0, items: 3 });
    expect(embedder.embedded).toEqual([]);
    expect(await run({ storeImages: true })).toMatchObject({ unchanged: 3 });
    await paint(photo('cups/red.png'), { r: 200, g: 0, b: 0 });
    await paint(photo('cups/new.png'), { r: 0, g: 9, b: 0 });
    expect(await run({ storeImages: true })).toMatchObject({ added: 1, replaced: 1, unchanged: 2 });
    const original = await readFile(photo('cups/new.png'));
    await rm(options.images ?? '', { recursive: true });
    await rename(options.out, join(base, 'moved'));
    const index = await openIndex(join(base, 'moved'), { readOnly: true });
    const item = await index.catalogue.get('cups/new.png');
    expect(item?.imagePath).toContain(join(base, 'moved', 'blobs'));
    expect(await readFile(item?.imagePath ?? '')).toEqual(original);
    await index.close();
  });

  it('knows every local density when it is done', async () => {
    await paintThree();
    await run();
    const index = await openIndex(options.out, { readOnly: true });
    expect((await index.catalogue.stats()).densities).toEqual({ items: 3, changeNumber: 3 });
    expect(await index.catalogue.densities(['cups/red.png'])).not.toEqual([null]);
    await index.close();
  });

  it('takes over the calibration of a model that had none before, and leaves one of the index alone', async () => {
    await paintThree();
    await run();
    const [theirs, ours] = [options.model, join(options.out, 'current', 'model')].map((folder) =>
      join(folder, 'calibration.json'),
    );
    await writeFile(theirs ?? '', 'first');
    await run();
    expect(await readFile(ours ?? '', 'utf8')).toBe('first');
    await writeFile(theirs ?? '', 'second');
    await run();
    expect(await readFile(ours ?? '', 'utf8')).toBe('first');
  });

  it('writes nothing for a folder without pictures', async () => {
    await writeFile(photo('notes.txt'), 'not a picture');
    await expect(run()).rejects.toMatchObject({ code: 'dataset-empty' });
    expect(await exists(options.out)).toBe(false);
  });

  it('leaves no index when no picture can be read', async () => {
    await writeFile(photo('cups/a.png'), 'no picture');
    await expect(run()).rejects.toMatchObject({ code: 'dataset-empty' });
    expect(await exists(options.out)).toBe(false);
  });

  it('stops at what cannot be read when strict', async () => {
    await paintThree();
    await writeFile(photo('cups/phone.heic'), 'a format that is not decoded');
    await expect(run({ strict: true })).rejects.toMatchObject({ code: 'image-unsupported' });
    const { skipped } = await run();
    expect(skipped).toMatchObject([{ id: 'cups/phone.heic', code: 'image-unsupported' }]);
  });

  it('refuses another model with the command that indexes again, and leaves the index as it was', async () => {
    await paintThree();
    await run();
    await expect(run({}, 'another model')).rejects.toMatchObject({
      code: 'model-mismatch',
      hint: `Bring it to this model: kindred reindex ${options.out} --model ${options.model}`,
    });
    expect(await run()).toMatchObject({ unchanged: 3 });
  });

  it('refuses an index that another writer has open', async () => {
    await paintThree();
    await run();
    const index = await openIndex(options.out);
    await expect(run()).rejects.toMatchObject({ code: 'index-locked' });
    await index.close();
  });

  it('wants exactly one source, and a split that exists', async () => {
    const { model, out } = options;
    const rest = { model, out, storeImages: false, prune: false, strict: false, json: false };
    const open = () => Promise.resolve(colourEmbedder());
    await expect(runIndex(rest, context, open)).rejects.toMatchObject({ code: 'usage' });
    await expect(run({ data: base })).rejects.toMatchObject({ code: 'usage' });
    await expect(run({ split: 'test' })).rejects.toMatchObject({ code: 'usage' });
    await expect(runIndex({ ...rest, data: base, split: 'tests' }, context, open)).rejects.toMatchObject({
      code: 'unknown-name',
    });
  });
});
