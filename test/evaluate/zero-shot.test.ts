import { describe, expect, it } from 'vitest';
import { checkZeroShot } from '../../src/evaluate/zero-shot.js';
import { dataset, item } from './fakes.js';

const shop = dataset([
  item('a', 'apple', 'train'),
  item('b', 'banana', 'validation'),
  item('c', 'cherry', 'test'),
  item('d', 'date', 'test'),
]);
const training = { dataset: 'shop', splitHash: shop.splitHash, classes: ['apple'] };
const check = (changes: Partial<Parameters<typeof checkZeroShot>[0]>) =>
  checkZeroShot({ training, dataset: shop, split: 'test', allowSeen: false, ...changes });

describe('checkZeroShot', () => {
  it('verifies the split that was left out of training', () => {
    expect(check({})).toEqual({
      verified: true,
      reason: 'none of the 2 evaluated classes is among the 1 trained on (the same split of the same data set)',
      seenClasses: [],
    });
  });

  it('verifies a model of another data set', () => {
    const elsewhere = { dataset: 'emoji', splitHash: 'b', classes: ['dog', 'cat'] };
    expect(check({ training: elsewhere })).toMatchObject({ verified: true, reason: /emoji/ });
  });

  it.each([
    ['the split it was trained on', { split: 'train' }, /1 of the 1 evaluated classes: "apple"/],
    [
      'trained-on classes under another name of the data set',
      { training: { ...training, dataset: 'copy', classes: ['date', 'fig'] } },
      /1 of the 2 evaluated classes: "date"/,
    ],
    [
      'the same data set split another way',
      { training: { ...training, splitHash: 'b'.repeat(64) } },
      /another version or split of "shop" \(bbbbbbbbbbbb, this one is aaaaaaaaaaaa\)/,
    ],
  ] as const)('refuses %s, unless it is asked to go on', (_, changes, message) => {
    expect(() => check(changes)).toThrow(message);
    expect(() => check(changes)).toThrow(expect.objectContaining({ code: 'model-mismatch' }));
    expect(check({ ...changes, allowSeen: true }).verified).toBe(false);
  });

  it('lists the seen classes', () => {
    const both = { ...training, classes: ['date', 'apple', 'cherry'] };
    expect(check({ training: both, allowSeen: true }).seenClasses).toEqual(['cherry', 'date']);
  });

  it('claims nothing for a bundle that does not say what it was trained on', () => {
    expect(check({ training: undefined })).toMatchObject({ verified: false, reason: /does not say/ });
  });
});
