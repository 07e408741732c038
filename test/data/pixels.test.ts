import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../../src/core/images.js';
import { createRandom } from '../../src/core/random.js';
import { augment, centreCrop } from '../../src/data/pixels.js';

/** red = 2·x, green = 2·y, blue = 7 */
function ramp(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([2 * x, 2 * y, 7], (y * width + x) * 3);
  return { width, height, data };
}

function column(view: Uint8Array, size: number, x: number): number {
  return view[(size * Math.floor(size / 2) + x) * 3] ?? -1;
}

describe('centreCrop', () => {
  it('takes the middle', () => {
    const crop = centreCrop(ramp(6, 4), 2);
    expect([...crop]).toEqual([4, 2, 7, 6, 2, 7, 4, 4, 7, 6, 4, 7]);
  });

  it('refuses to enlarge', () => {
    expect(() => centreCrop(ramp(6, 4), 5)).toThrow(RangeError);
  });
});

describe('augment', () => {
  it('gives the same view for the same seed and another for another', () => {
    const image = ramp(60, 60);
    const view = (seed: number) => [...augment(image, { size: 24, random: createRandom(seed) })];
    expect(view(1)).toEqual(view(1));
    expect(view(1)).not.toEqual(view(2));
  });

  it('leaves a flat picture flat, at any size and shape', () => {
    const sides = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(sides, sides, fc.integer({ min: 1, max: 50 }), fc.integer(), (width, height, size, seed) => {
        const data = new Uint8Array(width * height * 3).fill(113);
        const view = augment({ width, height, data }, { size, random: createRandom(seed) });
        return view.length === size * size * 3 && view.every((value) => value === 113);
      }),
    );
  });

  it('keeps straight ramps straight: the resampling is bilinear', () => {
    // Within the picture the crop of a linear ramp is linear: second differences vanish, up to rounding.
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const size = 20;
        const view = augment(ramp(100, 100), { size, random: createRandom(seed) });
        for (let x = 3; x < size - 2; x++) {
          const bend = column(view, size, x - 1) - 2 * column(view, size, x) + column(view, size, x + 1);
          expect(Math.abs(bend)).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('crops half to all of the picture and flips half of the time', () => {
    const size = 50;
    let flips = 0;
    const areas: number[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const view = augment(ramp(100, 100), { size, random: createRandom('crop', seed) });
      const across = column(view, size, 40) - column(view, size, 10);
      if (across < 0) flips++;
      // 2 units a source pixel; 30 of the 50 columns.
      const width = (Math.abs(across) / 2 / 30) * size;
      const down = (view[(40 * size + 25) * 3 + 1] ?? 0) - (view[(10 * size + 25) * 3 + 1] ?? 0);
      areas.push((width * (down / 2 / 30) * size) / 10_000);
    }
    expect(flips).toBeGreaterThan(110);
    expect(flips).toBeLessThan(190);
    expect(Math.min(...areas)).toBeGreaterThan(0.45);
    expect(Math.min(...areas)).toBeLessThan(0.6);
    expect(Math.max(...areas)).toBeLessThan(1.06);
    expect(Math.max(...areas)).toBeGreaterThan(0.8);
  });

  it('averages detail instead of skipping it', () => {
    const [width, height] = [200, 200];
    const data = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) data.fill((i % width) % 2 === 0 ? 0 : 255, i * 3, i * 3 + 3);
    const view = augment({ width, height, data }, { size: 20, random: createRandom(5) });
    // Stripes of one pixel, shrunk seven times or more: grey, not black and white.
    expect(Math.min(...view)).toBeGreaterThan(110);
    expect(Math.max(...view)).toBeLessThan(145);
  });

  it('changes brightness and contrast only when asked, and leaves the crop as it is', () => {
    const options = { size: 24, random: createRandom(9) };
    const plain = augment(ramp(60, 60), options);
    const jittered = augment(ramp(60, 60), { size: 24, random: createRandom(9), jitter: 0.2 });
    expect([...jittered]).not.toEqual([...plain]);
    const brighter = jittered.map((value, index) => Math.abs(value - (plain[index] ?? 0)));
    expect(Math.max(...brighter)).toBeLessThan(70);
  });
});
