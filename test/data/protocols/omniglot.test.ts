import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/dataset-folder.js';
import { prepareDataset } from '../../../src/data/prepare.js';
import { createOmniglotSource } from '../../../src/data/sources/omniglot.js';
import { failure, quiet, temporaryFolder } from '../helpers.js';
import * as mini from '../miniatures.js';
import { prepare, write } from './prepare-miniature.js';

const omniglot = createOmniglotSource(mini.omniglotMiniature);

describe('Omniglot', () => {
  const both = async (): Promise<mini.Files[]> => [
    await mini.omniglotFiles('images_background_small1', [
      'Greek/character01',
      'Greek/character02',
      'Latin/character01',
    ]),
    await mini.omniglotFiles('images_background_small2', ['Greek/character01', 'Tagalog/character01']),
  ];

  it('is read from archives and folders, each alphabet once', async () => {
    const parts = await both();
    const archives = await temporaryFolder();
    for (const [index, files] of parts.entries()) {
      await mini.writeZip(join(archives, `images_background_small${index + 1}.zip`), files);
    }
    const folders = await write(new Map(parts.flatMap((files) => [...files])));
    const hashes = new Set<string>();
    for (const from of [archives, folders]) {
      const { folder, skipped, manifest } = await prepare(omniglot, from);
      expect(manifest.counts).toMatchObject({ items: 12, classes: 4 });
      expect(manifest.split.method).toBe('random');
      expect(skipped).toHaveLength(3);
      expect(skipped[0]).toEqual({
        path: 'images_background_small2/Greek/character01/0001_01.png',
        reason: 'in images_background_small1, too',
      });
      hashes.add(manifest.split.hash);
      expect((await loadDataset(folder)).items[0]).toMatchObject({
        id: 'Greek/character01/0001_01.png',
        label: 'Greek/character01',
        metadata: { category: 'Greek', drawer: 1 },
      });
    }
    expect(hashes.size).toBe(1);
  });

  it('has an official split on request, with archives of both kinds', async () => {
    const [background = new Map<string, Uint8Array>()] = await both();
    const evaluation = await mini.omniglotFiles('images_evaluation', ['Tengwar/character01', 'Tengwar/character02']);
    const from = await write(new Map([...background, ...evaluation]));
    const out = join(await temporaryFolder(), 'out');
    const options = {
      source: omniglot,
      sourceName: 'omniglot',
      out,
      split: 'official',
      seed: 0,
      strict: false,
    } as const;
    await prepareDataset({ ...options, ...quiet, from });
    const tested = (await loadDataset(out)).items.filter(({ split }) => split === 'test');
    expect(tested.map(({ label }) => label?.split('/')[0])).toEqual(Array.from({ length: 6 }, () => 'Tengwar'));
    const error = await failure(prepareDataset({ ...options, ...quiet, from: await write(background) }));
    expect(error).toMatchObject({ code: 'invalid-option', field: '--split' });
    expect(error.hint).toContain('both halves');
  });

  it('is read from one archive or folder', async () => {
    const [files = new Map<string, Uint8Array>()] = await both();
    const archive = await mini.writeZip(join(await temporaryFolder(), 'images_background_small1.zip'), files);
    const folder = await write(files);
    for (const from of [archive, join(folder, 'images_background_small1')]) {
      expect((await prepare(omniglot, from)).manifest.counts.items).toBe(9);
    }
  });

  it.each<[string, (files: mini.Files) => void, string]>([
    [
      'a drawing less',
      (files) => files.delete('images_background_small1/Latin/character01/0003_02.png'),
      'Latin/character01: 2 drawings, 3',
    ],
    [
      'a character less',
      (files) => [...files.keys()].filter((name) => name.includes('/Latin/')).forEach((name) => files.delete(name)),
      'images_background_small1: 2 characters of 1 alphabets, 3 of 2 are published',
    ],
    [
      'another file',
      (files) => files.set('images_background_small1/Latin/notes.png', Buffer.from('x')),
      'notes.png is no file of',
    ],
  ])('refuses %s, in an archive and in a folder', async (_what, edit, message) => {
    const [files = new Map<string, Uint8Array>()] = await both();
    edit(files);
    const archive = await mini.writeZip(join(await temporaryFolder(), 'images_background_small1.zip'), files);
    for (const from of [archive, await write(files)]) {
      const error = await failure(prepare(omniglot, from));
      expect(error.code).toBe('dataset-invalid');
      expect(error.message).toContain(message);
    }
  });

  it('takes what is there when told to', async () => {
    const [files = new Map<string, Uint8Array>()] = await both();
    files.delete('images_background_small1/Latin/character01/0003_02.png');
    const { manifest } = await prepare(omniglot, await write(files), { allowIncomplete: true });
    expect(manifest.deviations).toEqual(['images_background_small1/Latin/character01: 2 drawings, 3 are published']);
  });

  it('refuses one part packed and another unpacked', async () => {
    const [first = new Map<string, Uint8Array>(), second = new Map<string, Uint8Array>()] = await both();
    const folder = await write(first);
    await mini.writeZip(join(folder, 'images_background_small2.zip'), second);
    expect((await failure(prepare(omniglot, folder))).message).toContain('images_background_small1 is unpacked');
  });
});
