import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hammingDistance, hashesOf, nearPairs } from '../../src/core/near-hashes.js';

const hex = (value: bigint): string => value.toString(16).padStart(16, '0');

function naiveDistance(a: bigint, b: bigint): number {
  return (a ^ b).toString(2).replaceAll('0', '').length;
}

function pairsOf(values: readonly bigint[], radius: number): string[] {
  const found: string[] = [];
  for (const pair of nearPairs(hashesOf(values.map(hex)), radius))
    if (pair) found.push(`${pair.i}-${pair.j}:${pair.distance}`);
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

  it('takes turns, and no radius that it was not made for', () => {
    const words = new Uint32Array(2 * 600).map((_, at) => at * 2654435761);
    const turns = [...nearPairs(words, 3)].filter((pair) => pair === null).length;
    expect(turns).toBe(4 * 3);
    expect(() => [...nearPairs(words, 16)]).toThrow(RangeError);
  });
});
