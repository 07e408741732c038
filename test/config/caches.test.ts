import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteSize } from '../../src/config/byte-size.js';
import { parseOptions } from '../../src/config/parse.js';
import { trainSchema } from '../../src/config/train.js';

const parse = (flags: Record<string, unknown>, env: NodeJS.ProcessEnv = {}) =>
  parseOptions('train', trainSchema, { data: 'data', out: 'out', ...flags }, env);

test.each<[string | number, number]>([
  ['0', 0],
  ['1048576', 1048576],
  [4096, 4096],
  ['500MB', 500e6],
  ['500 mb', 500e6],
  ['2GiB', 2 ** 31],
  ['1.5KiB', 1536],
  ['3 kB', 3000],
  ['1TiB', 2 ** 40],
  ['7B', 7],
])('%j is %d bytes', (text, bytes) => {
  expect(byteSize().parse(text)).toBe(bytes);
});

test.each(['', 'much', '-1', '1e9', '2XB', '1 2', 'GiB', '.5GiB', 'NaN', -1, 1.5, Infinity])(
  '%j is no size',
  (text) => {
    expect(byteSize().safeParse(text).success).toBe(false);
  },
);

test('whole numbers of every unit', () => {
  const unit = fc.constantFrom<[string, number]>(['', 1], ['kB', 1e3], ['MiB', 2 ** 20], ['GB', 1e9]);
  fc.assert(
    fc.property(fc.nat(5000), unit, (count, [name, bytes]) => {
      expect(byteSize().parse(`${count}${name}`)).toBe(count * bytes);
    }),
  );
});

test('caches are off by default, and options of a cache need one', () => {
  expect(parse({})).toMatchObject({ cache: 'off', pictureMemory: 512 * 2 ** 20 });
  expect(parse({ cache: 'disk', cacheSize: '1GiB', cacheViews: '3' })).toMatchObject({
    cacheSize: 2 ** 30,
    cacheViews: 3,
  });
  expect(parse({}, { KINDRED_TRAIN_CACHE: 'memory', KINDRED_TRAIN_CACHE_SIZE: '5MB' })).toMatchObject({
    cacheSize: 5e6,
  });
});

test.each<[Record<string, string>, string]>([
  [{ cache: 'ram' }, '--cache: must be off, memory or disk'],
  [{ cache: 'disk', cacheSize: '5kB' }, '--cache-size: must be at least 1MiB'],
  [{ cacheViews: '4' }, '--cache-views: needs --cache memory or --cache disk'],
  [{ cacheSize: '1GiB' }, '--cache-size: needs --cache memory or --cache disk'],
  [{ cache: 'memory', cacheViews: '0' }, '--cache-views: must be at least 1'],
  [{ cacheDir: '' }, '--cache-dir: must name a folder'],
  [{ pictureMemory: 'much' }, '--picture-memory: must be a size'],
])('refuses %j', (flags, message) => {
  expect(() => parse(flags)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  expect(() => parse(flags)).toThrow(message);
});
