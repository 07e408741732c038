import { describe, expect, it } from 'vitest';
import { sampleFilters, spread } from '../../src/web/api/samples.js';
import { AnswerCache } from '../../src/web/state/cache.js';
import { filterFields } from '../../src/web/state/filter-fields.js';
import {
  categoryOf,
  closeness,
  describeResult,
  fieldTitle,
  formatDistance,
  formatScore,
  hasSameLabel,
  nameOf,
  plural,
  sentence,
} from '../../src/web/state/format.js';

const item = { id: 'noto/red-apple.png', label: 'red apple', metadata: { category: 'food' } };
const result = { ...item, image: null, width: null, height: null, path: item.id, distance: 0.5, score: null };

function field(name: string, distinct: number, listed = distinct) {
  const values = Array.from({ length: listed }, (_, index) => ({ value: `${name} ${index}`, count: listed - index }));
  return { field: name, distinct, values };
}

describe('how near a result is', () => {
  it.each([
    [0, 1],
    [0.5, 0.75],
    [2, 0],
    [4, 0],
    [-1e-9, 1],
  ])('fills the bar at distance %d to %d', (distance, share) => {
    expect(closeness(distance)).toBeCloseTo(share, 6);
  });

  it('never shows a negative distance', () => {
    expect(formatDistance(-1e-9)).toBe('0.00');
    expect(formatDistance(1.234)).toBe('1.23');
  });
});

describe('the score', () => {
  it.each([
    [0, '< 1 %'],
    [0.004, '< 1 %'],
    [0.006, '1 %'],
    [0.5, '50 %'],
    [0.994, '99 %'],
    [0.996, '> 99 %'],
    [1, '> 99 %'],
  ])('%d is shown as %s: never certain', (score, text) => {
    expect(formatScore(score)).toBe(text);
  });
});

describe('words', () => {
  it('names an item by its label, else by its file', () => {
    expect(nameOf(item)).toBe('red apple');
    expect(nameOf({ ...item, label: null })).toBe('red-apple.png');
  });

  it('says all of a card, and a shared label only where both have one', () => {
    expect(describeResult(result, item)).toBe('red apple, food, distance 0.50, same label');
    expect(describeResult({ ...result, metadata: {} }, null)).toBe('red apple, distance 0.50');
    const scored = { ...result, score: 0.873 };
    expect(describeResult(scored, item)).toBe('red apple, food, distance 0.50, likely the same: 87 %, same label');
    expect(hasSameLabel({ label: null }, { label: null })).toBe(false);
  });

  it('counts, titles and ends sentences', () => {
    expect(plural(1, 'item')).toBe('1 item');
    expect(plural(6312, 'item')).toBe('6,312 items');
    expect(fieldTitle('price_range')).toBe('Price range');
    expect(categoryOf({ metadata: { group: 3 } })).toBe('3');
    expect(sentence('no item has the id "x"')).toBe('No item has the id "x".');
    expect(sentence('Try again!')).toBe('Try again!');
  });
});

describe('which filters are offered', () => {
  it('puts category and label first, then few values before many', () => {
    const stats = {
      items: 100,
      fields: [field('house', 9), field('size', 3), field('label', 40), field('category', 5)],
    };
    expect(filterFields(stats).map(({ field: name }) => name)).toEqual(['category', 'label', 'size', 'house']);
  });

  it('leaves out what does not split the catalogue', () => {
    const stats = { items: 100, fields: [field('file', 100), field('shop', 1), field('id', 4), field('house', 9)] };
    expect(filterFields(stats).map(({ field: name }) => name)).toEqual(['house']);
  });

  it('knows when the listed values are not all', () => {
    const fields = filterFields({ items: 5000, fields: [field('label', 850, 100), field('house', 9)] });
    expect(fields.map(({ complete }) => complete)).toEqual([false, true]);
  });
});

describe('samples', () => {
  it('come from different categories, or from labels of different ranks', () => {
    expect(sampleFilters({ fields: [field('label', 60), field('category', 3)] })).toEqual([
      { category: 'category 0' },
      { category: 'category 1' },
      { category: 'category 2' },
    ]);
    const byLabel = sampleFilters({ fields: [field('label', 60)] }, 3);
    expect(byLabel).toEqual([{ label: 'label 0' }, { label: 'label 20' }, { label: 'label 40' }]);
    expect(sampleFilters({ fields: [] })).toEqual([]);
  });

  it('are spread over each list in turn', () => {
    expect(
      spread(
        [
          [1, 2, 3, 4],
          [5, 6, 7, 8],
        ],
        4,
      ),
    ).toEqual([2, 6, 4, 8]);
    expect(spread([[1], []], 6)).toEqual([1]);
    expect(spread([], 6)).toEqual([]);
  });
});

describe('the memory of answers', () => {
  const isNumber = (value: unknown): value is number => typeof value === 'number';

  it('forgets after a while, and answers of another kind', () => {
    let now = 0;
    const cache = new AnswerCache(() => now);
    cache.set('a', 1);
    cache.set('b', 'text');
    expect(cache.get('a', isNumber)).toBe(1);
    expect(cache.get('b', isNumber)).toBeUndefined();
    now = 6 * 60_000;
    expect(cache.get('a', isNumber)).toBeUndefined();
  });

  it('keeps the latest only', () => {
    const cache = new AnswerCache();
    for (let index = 0; index < 100; index++) cache.set(String(index), index);
    expect(cache.get('0', isNumber)).toBeUndefined();
    expect(cache.get('99', isNumber)).toBe(99);
  });
});
