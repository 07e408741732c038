import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../src/config/parse.js';
import { trainSchema } from '../../../src/config/train.js';
import { createRandom, gaussian } from '../../../src/core/random.js';
import { l2Normalize } from '../../../src/core/vectors.js';
import type { Dataset } from '../../../src/data/dataset.js';
import type { ImageHashes } from '../../../src/data/image-hashes.js';
import { nearEmbeddings, usualNearest } from '../../../src/evaluate/audit/near-embeddings.js';
import { auditProtocol, type ProtocolInput } from '../../../src/evaluate/audit/protocol.js';
import { formatVerdict, verdictLine } from '../../../src/evaluate/audit/protocol-table.js';
import { dataset, item } from '../fakes.js';

const shop = dataset([
  item('t1', 'apple', 'train'),
  item('t2', 'apple', 'train'),
  item('v1', 'bean', 'validation'),
  item('v2', 'bean', 'validation'),
  item('e1', 'corn', 'test'),
  item('e2', 'corn', 'test'),
  item('e3', 'dill', 'test'),
  item('n1', 'corn', 'none'),
]);
const training = {
  dataset: 'shop',
  splitHash: shop.splitHash,
  classes: ['apple'],
  selectedOn: 'validation' as const,
  imagesPerClass: 2,
};

const random = createRandom('hashes');
const anyHash = (): string => Array.from({ length: 16 }, () => Math.floor(random() * 16).toString(16)).join('');

/** Every picture its own, but those that `changes` says otherwise of. */
function hashesOf({ items }: Dataset, changes: Readonly<Record<string, Partial<ImageHashes>>> = {}) {
  return new Map(items.map(({ path }) => [path, { content: path, perceptual: anyHash(), ...changes[path] }]));
}

async function outcomes(input: Partial<ProtocolInput>) {
  const verdict = await auditProtocol({ dataset: shop, hashes: hashesOf(shop), ...input });
  return { verdict, of: (name: string) => verdict.checks.filter((one) => one.name === name) };
}

describe('auditProtocol', () => {
  it('calls a clean protocol sound, with every check passed', async () => {
    const { verdict } = await outcomes({ training, evaluated: 'test' });
    expect(verdict.verdict).toBe('sound');
    expect(verdict.checks.map(({ name, outcome }) => [name, outcome])).toEqual(
      ['classes', 'training', 'selection', 'batches', 'duplicates', 'near duplicates', 'data'].map((name) => [
        name,
        'passed',
      ]),
    );
    expect(formatVerdict(verdict, 5)).toEqual(['Protocol: sound (7 checks passed)']);
  });

  it('finds a class under another spelling in another split', async () => {
    const twice = dataset([...shop.items, item('e4', 'Apple ', 'test')]);
    const { verdict, of } = await outcomes({ dataset: twice, hashes: hashesOf(twice) });
    expect(of('classes')).toMatchObject([{ outcome: 'finding', evidence: ['apple (train) = Apple  (test)'] }]);
    expect(verdictLine(verdict)).toBe('Protocol: WITH FINDINGS (1 of 4 checks)');
  });

  it('finds the same bytes across splits, and says when validation and test share them', async () => {
    const hashes = hashesOf(shop, { t1: { content: 'same' }, e1: { content: 'same' }, n1: { content: 'same' }, v1: { content: 'two' }, e3: { content: 'two' } }); // prettier-ignore
    const { of } = await outcomes({ hashes });
    expect(of('duplicates')).toMatchObject([
      { outcome: 'finding', count: 2, evidence: ['t1 (train, apple) = e1 (test, corn)', 'v1 (validation, bean) = e3 (test, dill)'] },
    ]); // prettier-ignore
    expect(of('duplicates, validation and test')).toMatchObject([{ outcome: 'finding', count: 1 }]);
  });

  it('finds near duplicates by perceptual hash, and tells contradictions from what is merely easy', async () => {
    const near = { perceptual: '00000000ffffffff' };
    const nearly = { perceptual: '00000003ffffffff' };
    const across = await outcomes({ hashes: hashesOf(shop, { t1: near, e1: nearly }) });
    expect(across.of('near duplicates')[0]?.evidence[0]).toBe(
      't1 (train, apple) = e1 (test, corn): hashes differ in 2 of 64 bits',
    );
    const within = await outcomes({ hashes: hashesOf(shop, { e1: near, e2: nearly }) });
    expect(within.of('near duplicates, within')).toMatchObject([{ outcome: 'note', count: 1 }]);
    expect(within.verdict.verdict).toBe('sound');
    const clash = await outcomes({ hashes: hashesOf(shop, { e1: near, e3: nearly }) });
    expect(clash.of('near duplicates, other class')).toMatchObject([{ outcome: 'finding', count: 1 }]);
  });

  it('finds what was trained on, chosen on, or split otherwise', async () => {
    const seen = await outcomes({ training: { ...training, classes: ['apple', 'corn'] }, evaluated: 'test' });
    expect(seen.of('training')).toMatchObject([{ outcome: 'finding', evidence: ['corn'] }]);
    const chosen = await outcomes({ training, evaluated: 'validation' });
    expect(chosen.of('selection')).toMatchObject([{ outcome: 'finding' }]);
    expect((await outcomes({ training: { ...training, selectedOn: 'last' }, evaluated: 'validation' })).verdict.verdict).toBe('sound'); // prettier-ignore
    expect((await outcomes({ training: { ...training, splitHash: 'b' } })).of('split')).toMatchObject([{ outcome: 'finding' }]); // prettier-ignore
    expect((await outcomes({ training: { ...training, selectedOn: undefined } })).of('selection')).toMatchObject([{ outcome: 'unknown' }]); // prettier-ignore
    expect((await outcomes({ training: null })).of('training')).toMatchObject([{ outcome: 'unknown' }]);
  });

  it('notes classes smaller than a batch takes of each', async () => {
    const { of } = await outcomes({ training: { ...training, imagesPerClass: 4 } });
    expect(of('batches')).toMatchObject([{ outcome: 'note', evidence: ['apple: 2'] }]);
  });

  it('says what could not be checked, and that a data set is not the published one', async () => {
    const { verdict, of } = await outcomes({
      hashes: new Map(),
      dataset: { ...shop, deviations: ['a.jpg is missing'] },
    });
    expect(of('near duplicates')).toMatchObject([{ outcome: 'unknown' }]);
    expect(of('data')).toMatchObject([{ outcome: 'finding', evidence: ['a.jpg is missing'] }]);
    expect(formatVerdict(verdict, 5).join('\n')).toContain('FINDING: this is not the published data set');
  });

  it('finds near duplicates by embedding where no hash tells', async () => {
    const items = shop.items.slice(0, 7);
    const embeddings = rows(7, 16);
    embeddings.set(embeddings.slice(0, 16), 4 * 16);
    const { of } = await outcomes({ embedded: { items, embeddings, dimension: 16 } });
    expect(of('near duplicates by embedding')).toMatchObject([
      { outcome: 'finding', evidence: ['t1 (train, apple) = e1 (test, corn): distance 0.0000'] },
    ]);
  });
});

function rows(count: number, dimension: number): Float32Array {
  const normal = createRandom('rows', count);
  const all = new Float32Array(count * dimension);
  for (let at = 0; at < count; at++)
    all.set(l2Normalize(Float32Array.from({ length: dimension }, () => gaussian(normal))), at * dimension);
  return all;
}

describe('nearEmbeddings', () => {
  it('finds planted copies and nothing else', async () => {
    const dimension = 32;
    const embeddings = rows(400, dimension);
    for (let at = 0; at < 50; at++) {
      const copy = embeddings
        .slice(at * dimension, (at + 1) * dimension)
        .map((value, i) => value + 0.002 * Math.sin(i + at));
      embeddings.set(l2Normalize(copy), (at + 200) * dimension);
    }
    const { matches, complete } = await nearEmbeddings({ embeddings, dimension }, 0.01);
    expect(complete).toBe(true);
    expect(matches.map(({ a, b }) => b - a)).toEqual(Array(50).fill(200));
    expect(usualNearest({ embeddings, dimension })).toBeGreaterThan(0.1);
  });

  it('gives up where everything coincides', async () => {
    const embeddings = new Float32Array(1200 * 2).fill(Math.SQRT1_2);
    expect((await nearEmbeddings({ embeddings, dimension: 2 }, 0.01)).complete).toBe(false);
  });
});

describe('--select-on', () => {
  it('takes validation and last, and refuses test with the reason', () => {
    const parse = (selectOn: string) => parseOptions('train', trainSchema, { data: 'd', out: 'o', selectOn }, {});
    expect([parse('validation').selectOn, parse('last').selectOn]).toEqual(['validation', 'last']);
    expect(() => parse('test')).toThrow(/--select-on: the test classes choose nothing/);
    expect(() => parse('best')).toThrow(/must be validation or last/);
  });
});
