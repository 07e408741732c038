import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hammingDistance, hashesOf, nearPairs } from '../../src/core/near-hashes.js';

const hex = (value: bigint): string => value.toString(16).padStart(16, '0');

function naiveDistance(a: bigint, b: bigint): number {
  return (a ^ b).toString(2).replaceAll('0', '').length;
}

function pairsOf(values: readonly bigint[], radius: number): string[] {
  const found: string[] = [];
  nearPairs(hashesOf(values.map(hex)), radius, (i, j, distance) => {
    found.push(`${i}-${j}:${distance}`);
    return true;
  });
  return found.sort();
}

describe('near hashes', () => {
  it('finds every near pair once, as comparing all of them does', () => {
    // A few bits flipped in few values, so that near pairs are common.
    const value = fc
      .tuple(
        fc.constantFrom<bigint[]>(0n, 0xffffffffffffffffn, 0x123456789abcdef0n),
        fc.array(fc.nat(63), { maxLength: 9 }),
      )
      .map(([base, flips]) => flips.reduce<bigint>((hash, bit) => hash ^ (1n << BigInt(bit)), base));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 12 }), fc.nat(11), (values, radius) => {
        const naive = values.flatMap((a, i) =>
          values.flatMap((b, j) => {
            const distance = naiveDistance(a, b);
            return i < j && distance <= radius ? [`${i}-${j}:${distance}`] : [];
          }),
        );
        expect(pairsOf(values, radius)).toEqual(naive.sort());
      }),
      { numRuns: 25 },
    );
  });

  it('counts bits in both words', () => {
    const words = hashesOf(['0000000000000000', 'ffffffffffffffff', '8000000000000001']);
    expect([hammingDistance(words, 0, 1), hammingDistance(words, 0, 2), hammingDistance(words, 1, 2)]).toEqual([
      64, 2, 62,
    ]);
  });

  it('stops when told to, and says so', () => {
    const words = hashesOf(['00', '00', '00'].map((text) => text.padStart(16, '0')));
    let seen = 0;
    expect(nearPairs(words, 3, () => ++seen < 2)).toBe(false);
    expect(seen).toBe(2);
    expect(nearPairs(words, 3, () => true)).toBe(true);
    expect(() => nearPairs(words, 16, () => true)).toThrow(RangeError);
  });
});
