import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { sniffFormat } from '../../src/data/image-format.js';
import { quickSize } from '../../src/data/quick-header.js';

const picture = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: '#49c' } });
const sizeOf = (bytes: Uint8Array) => quickSize(bytes, sniffFormat(bytes));

describe('quickSize', () => {
  it('reads the size of plain JPEG and PNG files', async () => {
    for (const [width, height] of [
      [1, 1],
      [640, 3],
      [7, 2000],
    ] as const) {
      const files = await Promise.all([
        picture(width, height).jpeg().toBuffer(),
        picture(width, height).jpeg({ progressive: true }).toBuffer(),
        picture(width, height).withIccProfile('p3').jpeg().toBuffer(),
        picture(width, height).toColourspace('cmyk').jpeg().toBuffer(),
        picture(width, height).greyscale().jpeg().toBuffer(),
        picture(width, height).png().toBuffer(),
        picture(width, height).png({ palette: true }).toBuffer(),
        picture(width, height).withIccProfile('p3').png().toBuffer(),
      ]);
      for (const bytes of files) expect(sizeOf(bytes)).toEqual({ width, height });
    }
  });

  it('leaves pictures that Exif may turn to the decoder, and other formats', async () => {
    const turned = picture(40, 20).withMetadata({ orientation: 6 });
    const files = [turned.clone().jpeg(), turned.clone().png(), picture(4, 4).webp(), picture(4, 4).gif()];
    for (const file of files) expect(sizeOf(await file.toBuffer())).toBeUndefined();
  });

  it('never throws on damaged files, and never tells another size than the decoder', async () => {
    const whole = await Promise.all([picture(300, 200).jpeg().toBuffer(), picture(300, 200).png().toBuffer()]);
    const damage = fc.record({
      which: fc.nat(1),
      length: fc.integer({ min: 12, max: 700 }),
      at: fc.integer({ min: 8, max: 699 }),
      value: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ which, length, at, value }) => {
        const bytes = Uint8Array.from(whole[which] ?? []).subarray(0, length);
        if (at < bytes.length) bytes[at] = value;
        const found = sizeOf(bytes);
        const decoder = await sharp(bytes, { limitInputPixels: false })
          .metadata()
          .catch(() => undefined);
        if (found && decoder) expect(found).toEqual(decoder.autoOrient);
      }),
      { numRuns: 300 },
    );
  });
});
