import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateModel, type Evaluation } from '../../src/evaluate/evaluate.js';
import { metricFamilies } from '../../src/evaluate/metric-names.js';
import { buildReport } from '../../src/evaluate/report.js';
import { formatReport } from '../../src/evaluate/table.js';
import { at, dataset, fakeEmbedder, item } from './fakes.js';

const classes = ['a', 'b', 'c'];
const shop = dataset([
  ...classes.flatMap((label) => [1, 2, 3].map((n) => item(`${label}${n}`, label, 'test'))),
  item('d1', 'd', 'test'),
  item('broken', 'a', 'test'),
]);
const pictures = (spread: number) => {
  const found: Record<string, readonly number[] | 'image-unreadable'> = { d1: at(-40), broken: 'image-unreadable' };
  classes.forEach((label, index) => [1, 2, 3].forEach((n) => (found[`${label}${n}`] = at(100 * index + spread * n))));
  return found;
};
const zeroShot = { verified: true, reason: 'none of the 4 was trained on', seenClasses: [] };
let model: Evaluation;
let untrained: Evaluation;

beforeAll(async () => {
  const evaluate = (spread: number, fingerprint: string) =>
    evaluateModel({ dataset: shop, split: 'test', embedder: fakeEmbedder(pictures(spread), { fingerprint }) });
  [model, untrained] = await Promise.all([evaluate(5, 'trained'), evaluate(55, 'plain')]);
});

const build = () =>
  buildReport({ dataset: shop, split: 'test', ks: [1, 2, 4, 8], model: { evaluation: model, zeroShot }, untrained });

describe('buildReport', () => {
  it('has exactly the promised scores, for both', () => {
    const report = build();
    const names = ['recall@1', 'recall@2', 'recall@4', 'recall@8', 'r-precision', 'map@r', 'mrr'];
    expect(Object.keys(report.model ?? {})).toEqual(names);
    expect(Object.keys(report.untrained)).toEqual(names);
    expect(report.model?.['recall@1']).toBe(1);
    expect(report.untrained['map@r']).toBe(untrained.metrics.mapAtR);
    expect(report.untrained['map@r']).toBeLessThan(0.9);
    expect(report.difference?.['map@r']).toBeCloseTo(1 - untrained.metrics.mapAtR, 12);
    expect(report).toMatchObject({
      queries: 9,
      classes: 3,
      images: 10,
      leftOut: 1,
      split: 'test',
      fingerprint: 'trained',
      dataset: { name: 'shop', splitHash: shop.splitHash },
      skipped: [{ path: 'broken', code: 'image-unreadable' }],
      zeroShot,
    });
  });

  it('has intervals around every score', () => {
    const { intervals, untrained: scores } = build();
    for (const [name, value] of Object.entries(scores)) {
      const [low, high] = intervals.untrained[name] ?? [NaN, NaN];
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
    expect(intervals.model?.['recall@1']).toEqual([1, 1]);
    expect(Object.keys(intervals.difference ?? {})).toEqual(Object.keys(scores));
  });

  it('shows every class', () => {
    expect(build().perClass.map((entry) => [entry.class, entry.queries, entry.model?.['recall@1']])).toEqual([
      ['a', 3, 1],
      ['b', 3, 1],
      ['c', 3, 1],
    ]);
  });

  it('survives JSON without a hole', () => {
    expect(JSON.parse(JSON.stringify(build()))).toEqual(build());
  });

  it('speaks of the untrained backbone alone when there is no model', () => {
    const report = buildReport({ dataset: shop, split: 'test', ks: [1], untrained });
    expect(Object.keys(report)).not.toContain('model');
    expect(report.fingerprint).toBe('plain');
    expect(Object.keys(report.intervals)).toEqual(['untrained']);
  });
});

describe('what a report shows on request', () => {
  const kinds = dataset(shop.items.map((one) => ({ ...one, metadata: { category: one.label === 'a' ? 'x' : 'y' } })));
  const evaluate = (spread: number) =>
    evaluateModel({ dataset: kinds, split: 'test', embedder: fakeEmbedder(pictures(spread)), clustering: 'always' });
  const report = async () => {
    const [better, worse] = [await evaluate(5), await evaluate(55)];
    const both = { model: { evaluation: better, zeroShot }, untrained: worse };
    return buildReport({ dataset: kinds, split: 'test', ks: [1], families: metricFamilies, ...both });
  };

  it('has every measure, intervals for those that classes can be drawn for, and every category', async () => {
    const { model: scores, intervals, perGroup, cmc, clustering, classesLeftOut } = await report();
    const retrieval = ['recall@1', 'precision@1', 'r-precision', 'map@r', 'map', 'mrr'];
    expect(Object.keys(scores ?? {})).toEqual([...retrieval, 'nmi', 'ami', 'f1']);
    expect(Object.keys(intervals.model ?? {})).toEqual(retrieval);
    expect(perGroup?.field).toBe('category');
    expect(perGroup?.groups.map(({ value, queries, classes: count }) => [value, queries, count])).toEqual([
      ['x', 3, 1],
      ['y', 6, 2],
    ]);
    expect(perGroup?.groups[1]?.intervals.model?.['recall@1']).toEqual([1, 1]);
    expect(cmc?.model?.length).toBe(50);
    expect(cmc?.untrained[49]).toBe(1);
    expect(clustering?.model?.k).toBe(4);
    expect(classesLeftOut).toEqual(['d']);
  });

  it('shows them in the table', async () => {
    const text = formatReport(await report());
    expect(text).toMatch(/^NMI +100\.0 +/m);
    expect(text).toMatch(/^NMI, AMI, F1: of k-means with 4 clusters, one for each class \(seed 0, \d+ rounds\)\.$/m);
    expect(text).toMatch(/^CMC, % found by rank +1 +5 +10 +20 +50$/m);
    expect(text).toMatch(/^by category +queries +Recall@1 model +MAP@R model +Recall@1 untrained +MAP@R untrained$/m);
    expect(text).toMatch(/^y +6 +100\.0 +100\.0 +/m);
  });
});

describe('formatReport', () => {
  it('lines model, untrained, difference and interval up', () => {
    const lines = formatReport(build()).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      'shop, split test: 9 queries of 3 classes among 10 images',
      '  1 alone in their class (searched, but no queries)',
      '  1 unreadable, skipped',
      '  zero-shot verified: none of the 4 was trained on',
      '',
      '%             model   untrained   difference     95 % interval',
    ]);
    const scores = lines.slice(6, 13);
    expect(scores.map((line) => line.split(/ {2,}/)[0])).toEqual([
      'Recall@1',
      'Recall@2',
      'Recall@4',
      'Recall@8',
      'R-precision',
      'MAP@R',
      'MRR',
    ]);
    const gain = 100 * (1 - untrained.metrics.mapAtR);
    expect(scores[5]).toContain(` 100.0 `);
    expect(scores[5]).toContain(` +${gain.toFixed(1)} `);
  });

  it('shouts when the classes were seen', () => {
    const seen = { verified: false, reason: 'the model was trained on 2 of them', seenClasses: ['a', 'b'] };
    const report = buildReport({
      dataset: shop,
      split: 'test',
      ks: [1],
      model: { evaluation: model, zeroShot: seen },
      untrained,
    });
    expect(formatReport(report)).toContain('zero-shot NOT VERIFIED: the model was trained on 2 of them');
  });

  it('writes losses with a minus and nothing as ±0.0', () => {
    const swapped = buildReport({
      dataset: shop,
      split: 'test',
      ks: [1],
      model: { evaluation: untrained, zeroShot },
      untrained: model,
    });
    expect(formatReport(swapped)).toMatch(/MAP@R .* −\d+\.\d/);
    const same = buildReport({
      dataset: shop,
      split: 'test',
      ks: [1],
      model: { evaluation: model, zeroShot },
      untrained: model,
    });
    expect(formatReport(same)).toMatch(/MAP@R .* ±0\.0 /);
  });
});
