import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allFinite, decodeHalf, encodeHalf } from '../../../src/learn/stem/half.js';

/** The value of a half, digit by digit from IEEE 754. */
function naiveValue(half: number): number {
  const digits = half.toString(2).padStart(16, '0');
  const sign = digits.startsWith('1') ? -1 : 1;
  const exponent = Number.parseInt(digits.slice(1, 6), 2);
  let fraction = exponent === 0 ? 0 : 1;
  for (let i = 6; i < 16; i++) fraction += digits[i] === '1' ? 2 ** (5 - i) : 0;
  if (exponent === 31) return fraction === 1 ? sign * Infinity : NaN;
  return sign * fraction * 2 ** (Math.max(exponent, 1) - 15);
}

const all = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
/** The halves from 0 up to 65,504 and one step beyond, where IEEE 754 rounds to infinity. */
const positive = [...Array.from({ length: 0x7c00 }, (_, half) => naiveValue(half)), 65536];

/** The nearest half by search, the even one of two that are equally near. */
function naiveEncode(value: number): number {
  const sign = Object.is(Math.sign(value), -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  let [low, high] = [0, positive.length - 1];
  if (magnitude >= 65536) return sign | 0x7c00;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((positive[middle] ?? 0) <= magnitude) low = middle;
    else high = middle;
  }
  const [below, above] = [magnitude - (positive[low] ?? 0), (positive[high] ?? 0) - magnitude];
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

const encode = (value: number): number => encodeHalf(Float32Array.of(value))[0] ?? -1;

test('all 65,536 halves have the value that IEEE 754 gives them, and come back from it', () => {
  const values = new Float32Array(all.length);
  decodeHalf(all, values);
  const wrong = [...all].filter((half) => !Object.is(values[half], naiveValue(half)));
  expect(wrong).toEqual([]);
  const back = encodeHalf(values);
  const changed = [...all].filter((half) => back[half] !== half && !Number.isNaN(naiveValue(half)));
  expect(changed).toEqual([]);
  expect([...back].every((half, i) => !Number.isNaN(naiveValue(i)) || Number.isNaN(naiveValue(half)))).toBe(true);
});

test('between every two neighbours it rounds to the nearer one, and from the middle to the even one', () => {
  const wrong: number[] = [];
  for (let half = 0; half < 0x7c00; half++) {
    const middle = ((positive[half] ?? 0) + (positive[half + 1] ?? 0)) / 2;
    const step = (positive[half + 1] ?? 0) - (positive[half] ?? 0);
    for (const value of [middle, middle - step / 64, middle + step / 64]) {
      if (encode(value) !== naiveEncode(value) || encode(-value) !== naiveEncode(-value)) wrong.push(value);
    }
  }
  expect(wrong).toEqual([]);
});

test('any float32 goes to its nearest half', () => {
  const float = fc.float({ noNaN: true });
  fc.assert(
    fc.property(float, (value) => {
      expect(encode(value)).toBe(naiveEncode(value));
    }),
    { numRuns: 2000 },
  );
  const near = fc.float({ min: -8, max: 8, noNaN: true });
  fc.assert(
    fc.property(near, (value) => {
      const back = new Float32Array(1);
      decodeHalf(encodeHalf(Float32Array.of(value)), back);
      expect(Math.abs((back[0] ?? NaN) - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25));
    }),
  );
});

test('tells what it cannot hold', () => {
  expect(allFinite(encodeHalf(Float32Array.of(0, -65504, 65519)))).toBe(true);
  for (const value of [65520, -1e6, Infinity, NaN])
    expect(allFinite(encodeHalf(Float32Array.of(1, value)))).toBe(false);
});
