import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { hammingDistance, hashesOf } from '../../src/core/near-hashes.js';
import { decodeImage } from '../../src/data/decode.js';
import { hashedSize, perceptualHash, sameHashBits } from '../../src/data/perceptual-hash.js';
import { noise } from './helpers.js';

/** Something like a photo: large soft shapes. */
async function scene(seed: number): Promise<Sharp> {
  const soft = await noise(seed, 9, 7).resize(360, 270, { fit: 'fill', kernel: 'cubic' }).png().toBuffer();
  return sharp(soft);
}

async function hashOf(picture: Sharp): Promise<string> {
  const bytes = await picture.toBuffer();
  return perceptualHash(await decodeImage({ bytes }, { size: hashedSize })) ?? 'none';
}

async function distance(a: Sharp, b: Sharp): Promise<number> {
  return hammingDistance(hashesOf([await hashOf(a), await hashOf(b)]), 0, 1);
}

const seeds = [1, 2, 3, 4, 5, 6];

describe('perceptualHash', () => {
  it('hardly changes when a picture is encoded again, scaled or cropped a little', async () => {
    for (const seed of seeds) {
      const original = (await scene(seed)).png();
      expect(await distance(original, original.clone().jpeg({ quality: 50 }))).toBeLessThanOrEqual(sameHashBits);
      expect(await distance(original, original.clone().webp({ quality: 50 }))).toBeLessThanOrEqual(sameHashBits);
      expect(await distance(original, original.clone().resize(150).jpeg())).toBeLessThanOrEqual(sameHashBits);
      const cropped = original.clone().extract({ left: 5, top: 4, width: 349, height: 262 });
      expect(await distance(original, cropped)).toBeLessThanOrEqual(12);
    }
  });

  it('is far for other pictures', async () => {
    const hashes = hashesOf(await Promise.all(seeds.map(async (seed) => hashOf((await scene(seed)).png()))));
    for (const i of seeds.keys()) {
      for (const j of seeds.keys()) if (i < j) expect(hammingDistance(hashes, i, j)).toBeGreaterThan(16);
    }
  });

  it('is the sign of the cosine frequencies against their median', () => {
    // One frequency alone: the highest coefficient is its own, the others are noise of rounding around 0.
    const data = new Uint8Array(hashedSize * hashedSize * 3);
    for (let y = 0; y < hashedSize; y++)
      for (let x = 0; x < hashedSize; x++) {
        const wave = Math.cos((Math.PI * 3 * (2 * x + 1)) / 64) * Math.cos((Math.PI * 2 * (2 * y + 1)) / 64);
        data.fill(Math.round(128 + 100 * wave), (y * hashedSize + x) * 3, (y * hashedSize + x) * 3 + 3);
      }
    const hash = perceptualHash({ width: hashedSize, height: hashedSize, data });
    // Row of vertical frequency 2 (the second), horizontal frequency 3 (the third): bit 10 of 64.
    const bits = BigInt(`0x${hash ?? '0'}`)
      .toString(2)
      .padStart(64, '0');
    expect(bits.charAt(10)).toBe('1');
    expect(bits.replaceAll('0', '').length).toBeLessThanOrEqual(32);
  });

  it('has none for a picture of one colour, and takes no other size', () => {
    const plain = new Uint8Array(hashedSize * hashedSize * 3).fill(200);
    expect(perceptualHash({ width: hashedSize, height: hashedSize, data: plain })).toBeNull();
    expect(() => perceptualHash({ width: 8, height: 8, data: new Uint8Array(192) })).toThrow(RangeError);
  });
});
