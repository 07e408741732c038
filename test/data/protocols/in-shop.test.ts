import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/dataset-folder.js';
import { prepareDataset } from '../../../src/data/prepare.js';
import { createInShopSource } from '../../../src/data/sources/in-shop.js';
import { failure, quiet, temporaryFolder } from '../helpers.js';
import * as mini from '../miniatures.js';
import { expectSplit, prepare, write } from './prepare-miniature.js';

const inShop = createInShopSource(mini.inShopMiniature);

describe('In-Shop', () => {
  async function layout(kind: 'published' | 'unpacked' | 'flat'): Promise<string> {
    const { partition, images } = await mini.inShopFiles();
    const folder = await temporaryFolder();
    if (kind === 'flat') return mini.writeFiles(folder, new Map([...images, ['list_eval_partition.txt', partition]]));
    const base = join(folder, 'In-shop Clothes Retrieval Benchmark');
    await mini.writeFiles(base, new Map([['Eval/list_eval_partition.txt', partition]]));
    if (kind === 'published') await mini.writeZip(join(base, 'Img', 'img.zip'), images);
    else await mini.writeFiles(join(base, 'Img'), images);
    return folder;
  }

  it.each(['published', 'unpacked', 'flat'] as const)('is read as %s, with queries and gallery', async (kind) => {
    const summary = await prepare(inShop, await layout(kind));
    await expectSplit(summary, ['id_00000002', 'id_00000080'], ['id_00000001', 'id_00000007']);
    const { items } = await loadDataset(summary.folder);
    const roles = items.map(({ split, role }) => (split === 'test' ? role : (role ?? '')));
    expect(roles.filter((role) => role === 'query')).toHaveLength(4);
    expect(roles.filter((role) => role === 'gallery')).toHaveLength(3);
    expect(roles.filter((role) => role === '')).toHaveLength(5);
    expect(items.at(-1)).toMatchObject({
      label: 'id_00000007',
      role: 'query',
      metadata: { department: 'MEN', category: 'Shirts_Polos' },
    });
  });

  it('has no roles under another split', async () => {
    const out = join(await temporaryFolder(), 'out');
    const from = await layout('flat');
    await prepareDataset({
      source: inShop,
      sourceName: 'in-shop',
      from,
      out,
      split: 'random',
      seed: 0,
      strict: false,
      ...quiet,
    });
    expect((await loadDataset(out)).items.every((item) => item.role === undefined)).toBe(true);
  });

  it.each<[string, (text: string) => string, string]>([
    ['a count that does not fit', (text) => text.replace(/^12\n/, '13\n'), 'line 1: says 13 images, 12 are listed'],
    ['an unknown part', (text) => text.replace(/ query$/m, ' qery'), '"qery" is none of train, query, gallery'],
    ['another part than published', (text) => text.replace(/ query$/m, ' gallery'), 'query: 3 images of 2 classes'],
    ['a path elsewhere', (text) => text.replace(/^img\//m, 'other/'), 'is not in img/'],
  ])('refuses %s', async (_what, edit, message) => {
    const { partition, images } = await mini.inShopFiles();
    const edited = Buffer.from(edit(Buffer.from(partition).toString()));
    const folder = await write(new Map([...images, ['list_eval_partition.txt', edited]]));
    const error = await failure(prepare(inShop, folder));
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain(message);
  });

  it('says what is missing', async () => {
    const { partition, images } = await mini.inShopFiles();
    const noImages = await write(new Map([['list_eval_partition.txt', partition]]));
    expect((await failure(prepare(inShop, noImages))).message).toContain('img/ or img.zip');
    expect((await failure(prepare(inShop, await write(images)))).message).toContain('list_eval_partition.txt');
  });
});
