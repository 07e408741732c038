import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/core/progress.js';
import { evaluateModel } from '../../src/evaluate/evaluate.js';
import { at, dataset, fakeEmbedder, item } from './fakes.js';

const shop = dataset([
  item('b/1.jpg', 'b', 'test'),
  item('a/1.jpg', 'a', 'test'),
  item('a/2.jpg', 'a', 'test'),
  item('b/2.jpg', 'b', 'test'),
  item('alone/1.jpg', 'alone', 'test'),
  item('seen/1.jpg', 'seen', 'train'),
  item('seen/2.jpg', 'seen', 'train'),
  item('loose.jpg', null, 'none'),
]);
/** a at 0° and 10°, b at 14° and 90°, the lone one at 50°. */
const pictures = {
  'a/1.jpg': at(0),
  'a/2.jpg': at(10),
  'b/1.jpg': at(14),
  'b/2.jpg': at(90),
  'alone/1.jpg': at(50),
};

describe('evaluateModel', () => {
  it('searches the split, and nothing else, among itself', async () => {
    const embedder = fakeEmbedder(pictures);
    const evaluation = await evaluateModel({ dataset: shop, split: 'test', embedder, ks: [1, 4] });
    expect(embedder.paths).toEqual(
      ['a/1.jpg', 'a/2.jpg', 'alone/1.jpg', 'b/1.jpg', 'b/2.jpg'].map((p) => `/pictures/${p}`),
    );
    expect(embedder.batches).toEqual([3, 2]);
    // a1 finds a2; a2 finds b1 first, then a1; b1 finds a2, a1, alone, b2; b2 finds alone, b1.
    const { metrics } = evaluation;
    expect(metrics.recall).toEqual({ 1: 1 / 4, 4: 1 });
    expect(metrics.mrr).toBeCloseTo((1 + 1 / 2 + 1 / 4 + 1 / 2) / 4, 12);
    expect([metrics.queries, metrics.leftOut, metrics.classes]).toEqual([4, 1, 2]);
    expect(evaluation.classNames).toEqual(['a', 'alone', 'b']);
    expect(metrics.perClass.map(({ label }) => evaluation.classNames[label])).toEqual(['a', 'b']);
    expect([evaluation.images, evaluation.fingerprint, evaluation.dimension]).toEqual([5, 'fake', 2]);
    expect(evaluation.density?.classes).toBe(2);
  });

  it('skips what cannot be read, lists it, and leaves out who is alone then', async () => {
    const embedder = fakeEmbedder({ ...pictures, 'b/2.jpg': 'image-unreadable' });
    const { metrics, skipped, images, density } = await evaluateModel({
      dataset: shop,
      split: 'test',
      embedder,
      ks: [1],
    });
    expect(skipped).toEqual([{ path: 'b/2.jpg', code: 'image-unreadable', reason: 'cannot use /pictures/b/2.jpg' }]);
    expect([images, metrics.queries, metrics.leftOut]).toEqual([4, 2, 2]);
    expect(metrics.recall[1]).toBe(1 / 2);
    expect(density).toBeNull();
  });

  it('ends when the failure is not the fault of a picture', async () => {
    const embedder = fakeEmbedder({ ...pictures, 'a/2.jpg': 'worker-died' });
    await expect(evaluateModel({ dataset: shop, split: 'test', embedder, ks: [1] })).rejects.toMatchObject({
      code: 'worker-died',
    });
  });

  it.each([
    ['a split without images', 'validation', pictures, /no images in split "validation"/],
    ['no readable image', 'test', {}, /none of the 5 images/],
    ['classes of one', 'test', { 'a/1.jpg': at(0), 'b/1.jpg': at(9) }, /no class in split "test" has two images/],
  ] as const)('says so when there is %s', async (_, split, known, message) => {
    const embedder = fakeEmbedder(known);
    const failing = evaluateModel({ dataset: shop, split, embedder, ks: [1] });
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toMatchObject({ code: 'dataset-empty' });
  });

  it('refuses a K beyond the images', async () => {
    const embedder = fakeEmbedder(pictures);
    const failing = evaluateModel({ dataset: shop, split: 'test', embedder });
    await expect(failing).rejects.toMatchObject({ code: 'dataset-too-small' });
    await expect(failing).rejects.toThrow(/only 4/);
    expect(embedder.paths).toEqual([]);
  });

  it('reports progress to the end, and stops when told to', async () => {
    const events: ProgressEvent[] = [];
    const controller = new AbortController();
    const options = { dataset: shop, split: 'test', embedder: fakeEmbedder(pictures), ks: [1], name: 'm' } as const;
    await evaluateModel({ ...options, progress: (event) => events.push(event) });
    expect(events.map(({ stage, done, total }) => [stage, done, total])).toEqual([
      ['embedding (m)', 0, 5],
      ['embedding (m)', 3, 5],
      ['embedding (m)', 5, 5],
      ['ranking (m)', 5, 5],
    ]);
    const progress = ({ done }: ProgressEvent): void => {
      if (done === 3) controller.abort();
    };
    const embedder = fakeEmbedder(pictures);
    const stopped = evaluateModel({ ...options, embedder, progress, signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    expect(embedder.batches).toEqual([3]);
  });

  it('lets queries search in the gallery alone, where the data set says who is who', async () => {
    const shopping = dataset([
      { ...item('a/1.jpg', 'a', 'test'), role: 'query' },
      { ...item('a/2.jpg', 'a', 'test'), role: 'gallery' },
      { ...item('b/1.jpg', 'b', 'test'), role: 'gallery' },
      { ...item('b/2.jpg', 'b', 'test'), role: 'query' },
      { ...item('alone/1.jpg', 'alone', 'test'), role: 'query' },
    ]);
    const options = { dataset: shopping, split: 'test', embedder: fakeEmbedder(pictures) } as const;
    const { metrics, roles, images } = await evaluateModel({ ...options, ks: [1, 2] });
    expect([roles, images]).toEqual([{ queries: 3, gallery: 2 }, 5]);
    // a1 (0°): a2 at 10°, b1 at 14°. b2 (90°): b1, a2. The lone one has nothing to find.
    expect(metrics.recall).toEqual({ 1: 1, 2: 1 });
    expect([metrics.queries, metrics.leftOut]).toEqual([2, 1]);
    await expect(evaluateModel({ ...options, ks: [3] })).rejects.toThrow(/there are only 2/);
    const onlyQueries = shopping.items.map((one) => ({ ...one, role: 'query' as const }));
    const failing = evaluateModel({ ...options, dataset: dataset(onlyQueries), ks: [1] });
    await expect(failing).rejects.toThrow('split "test" has no gallery picture that can be read');
    const strangers = dataset(shopping.items.filter(({ path }) => path !== 'a/2.jpg' && path !== 'b/2.jpg'));
    await expect(evaluateModel({ ...options, dataset: strangers, ks: [1] })).rejects.toThrow(
      /no query in split "test"/,
    );
  });

  it('breaks the results down by category, or by the field asked for', async () => {
    const kinds = dataset(
      shop.items.map((one, index) => ({
        ...one,
        metadata: { category: one.label === 'a' ? 'fruit' : 'tin', ...(index > 0 && { shelf: 7 }) },
      })),
    );
    const options = { dataset: kinds, split: 'test', ks: [1, 4] } as const;
    const run = (by?: string) => evaluateModel({ ...options, embedder: fakeEmbedder(pictures), by });
    const { byField, metrics } = await run();
    expect(byField?.field).toBe('category');
    const found = [...(byField?.groups ?? [])].map(([value, { queries, leftOut, mrr }]) => [value, queries, leftOut, mrr]); // prettier-ignore
    // As above: a1 at rank 1 and a2 at 2; b1 at 4 and b2 at 2, and the lone one is left out.
    expect(found).toEqual([
      ['fruit', 2, 0, (1 + 1 / 2) / 2],
      ['tin', 2, 1, (1 / 4 + 1 / 2) / 2],
    ]);
    expect(metrics.mrr).toBeCloseTo((1 + 1 / 2 + 1 / 4 + 1 / 2) / 4, 12);
    expect([...((await run('shelf')).byField?.groups ?? [])].map(([value]) => value)).toEqual(['(none)', '7']);
    await expect(run('colour')).rejects.toMatchObject({ code: 'unknown-name', hint: 'Known: category, shelf.' });
  });

  it('clusters when asked to', async () => {
    const near = { 'a/1.jpg': at(0), 'a/2.jpg': at(1), 'b/1.jpg': at(90), 'b/2.jpg': at(92), 'alone/1.jpg': at(200) };
    const options = { dataset: shop, split: 'test', ks: [1] } as const;
    const run = (clustering: 'never' | 'small') =>
      evaluateModel({ ...options, embedder: fakeEmbedder(near), clustering });
    expect((await run('never')).clustering).toBeUndefined();
    expect((await run('small')).clustering).toMatchObject({ k: 3, converged: true, values: { nmi: 1, ami: 1, f1: 1 } });
  });
});
