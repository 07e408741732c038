import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitBox } from '../../src/web/state/box.js';
import {
  formatState,
  home,
  itemState,
  maxResults,
  pageSize,
  parseState,
  withFilter,
  type PageState,
} from '../../src/web/state/url-state.js';

const text = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' });
const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const box = fc.option(fc.record({ x: fraction, y: fraction, w: fraction, h: fraction }).map(fitBox));
const limit = fc.integer({ min: 1, max: maxResults });
const filter = fc.dictionary(
  text.filter((field) => field !== '__proto__'),
  text,
  { maxKeys: 4, noNullPrototype: true },
);
const view = fc.oneof(
  fc.constant({ kind: 'browse' } as const),
  fc.record({ kind: fc.constant('item' as const), id: text, box, limit }),
  fc.record({ kind: fc.constant('upload' as const), key: text, box, limit }),
);

describe('the state in the address', () => {
  it('survives being written and read', () => {
    fc.assert(
      fc.property(view, filter, (someView, someFilter) => {
        const state: PageState = { view: someView, filter: someFilter };
        expect(parseState(formatState(state))).toEqual(state);
      }),
    );
  });

  it('is readable: slashes and commas stay, defaults are left out', () => {
    const state = itemState('noto/red apple.png', { house: 'noto', category: 'food & drink' });
    expect(formatState(state)).toBe('?id=noto/red+apple.png&f.category=food+%26+drink&f.house=noto');
    expect(formatState(home)).toBe('');
    const part: PageState = {
      view: { kind: 'item', id: 'a', box: { x: 0.1, y: 0.2, w: 0.3, h: 0.4 }, limit: 48 },
      filter: {},
    };
    expect(formatState(part)).toBe('?id=a&box=0.1,0.2,0.3,0.4&limit=48');
  });

  it('does not depend on the order of the filter', () => {
    expect(formatState(itemState('a', { b: '1', a: '2' }))).toBe(formatState(itemState('a', { a: '2', b: '1' })));
  });

  it.each([
    ['?box=0.1,0.2,0.3,0.4', { kind: 'browse' }],
    ['?id=', { kind: 'browse' }],
    ['?id=a&box=nonsense', { kind: 'item', id: 'a', box: null, limit: pageSize }],
    ['?id=a&box=0.9,0.9,0.5,0.5', { kind: 'item', id: 'a', box: null, limit: pageSize }],
    ['?id=a&limit=0', { kind: 'item', id: 'a', box: null, limit: pageSize }],
    ['?id=a&limit=1e9', { kind: 'item', id: 'a', box: null, limit: pageSize }],
    ['?id=a&limit=2.5', { kind: 'item', id: 'a', box: null, limit: pageSize }],
  ])('leaves out what makes no sense in %s', (search, expected) => {
    expect(parseState(search).view).toEqual(expected);
  });

  it('ignores a filter without field or value, and parameters of others', () => {
    expect(parseState('?f.=x&f.category=&utm_source=mail').filter).toEqual({});
  });

  it('sets and removes one condition without touching the others', () => {
    const both = withFilter({ house: 'noto' }, 'category', 'food');
    expect(both).toEqual({ house: 'noto', category: 'food' });
    expect(withFilter(both, 'house', '')).toEqual({ category: 'food' });
  });
});
