import { describe, expect, it } from 'vitest';
import { bootstrapMean } from '../../src/metrics/bootstrap.js';
import { compareModels, type ComparedModel } from '../../src/studies/compare.js';
import { formatComparison } from '../../src/studies/compare-table.js';
import { at, dataset, fakeEmbedder, item } from '../evaluate/fakes.js';

/** Six classes of three pictures; class i lies around 50·i degrees. */
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const shop = dataset([
  ...names.flatMap((label) => [0, 1, 2].map((n) => item(`${label}${n}`, label, 'test'))),
  item('t1', 't', 'train'),
]);
/** Where picture n of class i lies; `lost` classes have their third picture on the next class. */
const pictures = (lost: readonly string[]): Record<string, readonly number[]> =>
  Object.fromEntries(
    names.flatMap((label, i) =>
      [0, 1, 2].map((n) => [`${label}${n}`, at(50 * i + 3 * n + (n === 2 && lost.includes(label) ? 46 : 0))]),
    ),
  );

const known = { dataset: 'shop', splitHash: shop.splitHash, classes: ['t'] };
function model(name: string, lost: readonly string[], changes: Partial<ComparedModel> = {}) {
  const diary: string[] = [];
  const open: ComparedModel['open'] = () => {
    diary.push('open');
    const embedder = fakeEmbedder(pictures(lost), { fingerprint: name });
    return Promise.resolve({ ...embedder, close: () => Promise.resolve(void diary.push('close')) });
  };
  return { diary, model: { name, open, training: known, ...changes } satisfies ComparedModel };
}
const compare = (a: ComparedModel, b: ComparedModel, split: 'test' | 'train' = 'test') =>
  compareModels({ dataset: shop, split, ks: [1, 2], a, b });

describe('compareModels', () => {
  it('pairs by query and by class', async () => {
    const report = await compare(model('good', []).model, model('bad', ['a', 'b']).model);
    expect(report.a.scores['recall@1']).toBe(1);
    // In B the third pictures of a and b lie beside b0 and c0, which then find them, or them find those, first.
    const won = report.queryWins['recall@1'];
    expect(won?.b).toBe(0);
    expect((won?.a ?? 0) + (won?.same ?? 0)).toBe(18);
    const value = report.difference['recall@1']?.value ?? NaN;
    expect(value).toBeCloseTo((won?.a ?? NaN) / 18, 12);
    expect(value).toBeGreaterThan(0.1);
    // The intervals are those of the bootstrap over exactly these classes and queries.
    const classes = report.perClass.map((row) => ({
      count: row.queries,
      mean: (row.a['recall@1'] ?? NaN) - (row.b['recall@1'] ?? NaN),
    }));
    expect(report.difference['recall@1']?.byClass).toEqual(bootstrapMean(classes));
    const [low, high] = report.difference['recall@1']?.byQuery ?? [NaN, NaN];
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(report.classWins['recall@1']).toEqual({ a: classes.filter(({ mean }) => mean > 0).length, b: 0, same: classes.filter(({ mean }) => mean === 0).length }); // prettier-ignore
  });

  it('turns every sign when the sides are swapped', async () => {
    const good = model('good', ['c']).model;
    const bad = model('bad', ['a', 'b']).model;
    const [one, other] = [await compare(good, bad), await compare(bad, good)];
    for (const [name, { value }] of Object.entries(one.difference)) {
      expect(other.difference[name]?.value).toBeCloseTo(-value, 12);
      expect(other.queryWins[name]?.a).toBe(one.queryWins[name]?.b);
    }
  });

  it('names the better one when every class agrees, and none when they do not', async () => {
    const all = await compare(model('good', []).model, model('bad', names).model);
    expect(all.verdict).toMatch(/^good is better in .*MAP@R/);
    const even = await compare(model('one', ['a']).model, model('other', ['d']).model);
    expect(even.verdict).toBe('No difference is shown in R@1 or MAP@R: the intervals over classes hold 0.');
  });

  it('judges nothing by fewer than five classes', async () => {
    const few = dataset(shop.items.filter(({ label }) => label === 'a' || label === 'c'));
    const [a, b] = [model('good', []).model, model('bad', names).model];
    const report = await compareModels({ dataset: few, split: 'test', ks: [1], a, b });
    expect(report.verdict).toMatch(/^2 classes are too few/);
  });

  it('closes one model before it opens the other, and also when measuring fails', async () => {
    const [a, b] = [model('a', []), model('b', [])];
    await compare(a.model, b.model);
    expect([a.diary, b.diary]).toEqual([['open', 'close'], ['open', 'close']]); // prettier-ignore
    const failing = model('a', []);
    await expect(compare(failing.model, b.model, 'train')).rejects.toThrow();
    expect(failing.diary).toEqual(['open', 'close']);
  });

  it('says which side may have seen the classes, and when both are one model', async () => {
    const seen = model('seen', [], { training: { ...known, classes: ['a', 't'] } }).model;
    const imported = model('imported', [], { training: undefined }).model;
    const fresh = model('fresh', [], { training: 'untrained' }).model;
    const unknown = await compare(seen, fresh);
    expect(unknown.notes).toEqual([
      expect.stringMatching(/^Not known to be new to seen: .*1 of the 6 evaluated classes/),
      expect.stringMatching(/^One side may have learned/),
    ]);
    expect((await compare(seen, imported)).notes).toHaveLength(2);
    expect((await compare(fresh, model('x', []).model)).notes).toEqual([]);
    expect((await compare(fresh, fresh)).notes).toEqual([expect.stringMatching(/^Both are the same model/)]);
    const moved = model('moved', [], { training: { ...known, splitHash: 'b'.repeat(64) } }).model;
    expect((await compare(moved, fresh)).notes[0]).toMatch(/another version or split of "shop"/);
  });
});

describe('formatComparison', () => {
  it('has measures, tallies, classes of both sides and the verdict', async () => {
    const report = await compare(model('good', ['c']).model, model('bad', ['a', 'b']).model);
    const text = formatComparison(report);
    expect(text).toMatch(/recall@1 +\d/);
    expect(text).toContain('classes best for A (good), MAP@R');
    expect(text).toContain('classes best for B (bad), MAP@R');
    expect(text.endsWith(report.verdict)).toBe(true);
    expect(text).not.toMatch(/NaN|undefined/);
  });

  it('breaks down by a field, without an interval for a single class', async () => {
    const tagged = dataset(
      shop.items.map((one) => ({ ...one, metadata: { category: one.label === 'a' ? 'lone' : 'rest' } })),
    );
    const [a, b] = [model('good', []).model, model('bad', names).model];
    const report = await compareModels({ dataset: tagged, split: 'test', ks: [1], a, b });
    expect(report.perGroup?.groups.map(({ value, queries }) => [value, queries])).toEqual([
      ['lone', 3],
      ['rest', 15],
    ]);
    expect(formatComparison(report)).toMatch(/lone +3 .*one class/);
  });
});
