import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatResults, runSearch } from '../../src/cli/commands/search.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { resultSchema } from '../../src/server/schemas/api.js';
import { calibration } from '../server/calibration.js';
import { fakeEmbedder, type FakeEmbedder } from '../server/fakes.js';
import { createTestIndex, testContext, type TestIndex } from './helpers-serve.js';

let index: TestIndex;
beforeAll(async () => {
  index = await createTestIndex();
});
afterAll(() => index.close());

const defaults = { images: [], id: [], not: [], notImage: [], limit: 10, filter: [], exact: false, json: false };
const answer = (options: object, open = () => Promise.resolve(fakeEmbedder())) =>
  runSearch({ ...defaults, index: index.folder, ...options }, testContext(), open);
const search = async (options: object, open?: () => Promise<FakeEmbedder>) => (await answer(options, open)).results;
const noModel = () => Promise.reject(new Error('the model is not needed'));

describe('kindred search', () => {
  it('finds what looks like a picture, as the objects that the API gives', async () => {
    const results = await search({ images: [join(index.root, '3-200-10-30.png')], limit: 2 });
    expect(results.map(({ id }) => id)).toEqual(['fruit/cherry 1.png', 'fruit/cherry 2.png']);
    for (const result of results) resultSchema.strict().parse(result);
    expect(JSON.stringify(results)).not.toContain(index.root);
  });

  it('finds what looks like an item without loading the model', async () => {
    const results = await search({ id: ['fruit/cherry 1.png'], exact: true }, noModel);
    expect(results).toHaveLength(4);
    expect(results[0]?.id).toBe('fruit/cherry 2.png');
  });

  it('takes filters and a box', async () => {
    const results = await search({ id: ['half.png'], box: '0.5,0,0.5,1', filter: ['category=sky', 'category=leaf'] });
    expect(results.map(({ id }) => id)).toEqual(['ünï/漢字 "q" <b>.png', 'leaf?#&=+%2F.png']);
  });

  it('works while another process holds the index', async () => {
    const owner = await openIndex(index.folder);
    try {
      expect(await search({ id: ['half.png'] }, noModel)).toHaveLength(4);
    } finally {
      await owner.close();
    }
  });

  it.each([
    [{}, 'usage'],
    [{ id: ['half.png'], images: ['/nowhere/a.png'] }, 'image-missing'],
    [{ id: ['half.png', 'leaf?#&=+%2F.png'], box: '0,0,1,1' }, 'usage'],
    [{ id: ['half.png'], groupSize: 2 }, 'usage'],
    [{ id: ['half.png'], cursor: 'x' }, 'invalid-cursor'],
    [{ id: ['half.png'], minScore: 0.5 }, 'calibration-missing'],
    [{ id: ['half.png'], not: ['nobody'] }, 'item-not-found'],
    [{ id: ['nobody'] }, 'item-not-found'],
    [{ images: ['/nowhere/a.png'] }, 'image-missing'],
    [{ id: ['half.png'], filter: ['colour=red'] }, 'unknown-filter-field'],
    [{ id: ['half.png'], filter: ['red'] }, 'invalid-option'],
    [{ id: ['half.png'], box: '1' }, 'invalid-box'],
    [{ id: ['half.png'], index: '/nowhere' }, 'index-missing'],
    [{ id: ['half.png'], limit: 'auto' }, 'calibration-missing'],
    [{ id: ['half.png'], precision: 0.5 }, 'usage'],
  ])('answers %j with %s', async (options, code) => {
    await expect(search(options)).rejects.toMatchObject({ code });
  });

  it('scores results where the model’s copy in the index is calibrated, and cuts them at the wanted precision', async () => {
    const path = join(index.folder, 'current', 'model', 'calibration.json');
    try {
      await writeFile(path, JSON.stringify(calibration));
      const all = await search({ id: ['fruit/cherry 1.png'] }, noModel);
      expect(all).toHaveLength(4);
      for (const { score } of all) expect(score).toBeGreaterThanOrEqual(0);
      expect(await search({ id: ['fruit/cherry 1.png'], limit: 'auto', precision: 0 }, noModel)).toEqual(all);
      const [first] = all;
      const strict = { id: ['fruit/cherry 1.png'], limit: 'auto', precision: first?.score ?? NaN };
      const kept = await search(strict, noModel);
      expect(kept.length).toBeGreaterThanOrEqual(1);
      expect(kept).toEqual(all.slice(0, kept.length));
      for (const broken of ['{', JSON.stringify({ ...calibration, fingerprint: 'other' })]) {
        await writeFile(path, broken);
        await expect(search({ id: ['half.png'] }, noModel)).rejects.toMatchObject({ code: 'bundle-invalid' });
      }
    } finally {
      await rm(path);
    }
  });

  it('groups, pages, and takes several examples and what not to look like', async () => {
    const first = await answer({ id: ['half.png'], groupBy: 'category', limit: 2 }, noModel);
    const inOrder = await search({ id: ['half.png'] }, noModel);
    const best = [...new Set(inOrder.flatMap(({ metadata }) => metadata['category'] ?? []))];
    expect(first.groups?.map(({ value }) => value)).toEqual(best.slice(0, 2));
    const rest = await answer({ id: ['half.png'], groupBy: 'category', limit: 2, cursor: first.cursor }, noModel);
    expect(rest.groups?.map(({ value }) => value)).toEqual(best.slice(2));
    const several = { id: ['fruit/cherry 1.png'], images: [join(index.root, '3-200-10-30.png')], not: ['half.png'] };
    expect((await search(several)).map(({ id }) => id)[0]).toBe('fruit/cherry 2.png');
    expect(await search({ id: ['half.png'], filter: ['price>=5'] }, noModel)).toHaveLength(1);
    expect(await search({ id: ['half.png'], filter: ['!category=fruit'], maxDistance: 4 }, noModel)).toHaveLength(2);
  });

  it('prints aligned columns', () => {
    const item = { metadata: {}, image: null, width: null, height: null, score: null };
    const text = formatResults([
      { ...item, id: 'a/b.png', path: 'a/b.png', label: 'apple', distance: 0.05 },
      { ...item, id: 'c.png', path: 'c.png', label: null, distance: 1.23456 },
    ]);
    expect(text.split('\n')).toEqual([
      'rank  distance  label  id',
      '   1    0.0500  apple  a/b.png',
      '   2    1.2346  –      c.png',
    ]);
    const scored = formatResults([
      { ...item, id: 'a/b.png', path: 'a/b.png', label: 'apple', distance: 0.05, score: 0.873 },
      { ...item, id: 'c.png', path: 'c.png', label: null, distance: 1.23456, score: 0.004 },
    ]);
    expect(scored.split('\n')).toEqual([
      'rank  distance  score  label  id',
      '   1    0.0500   87 %  apple  a/b.png',
      '   2    1.2346    0 %  –      c.png',
    ]);
    expect(formatResults([])).toBe('nothing matches');
  });
});
