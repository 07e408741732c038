import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, inspectImage } from '../../src/data/decode.js';
import { failure, noise, temporaryFolder } from './helpers.js';

const flat = (background: string, width = 20, height = 20): Sharp =>
  sharp({ create: { width, height, channels: 4, background } });

/** Left half red, right half blue. */
async function halves(): Promise<Sharp> {
  const right = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#00f' } })
    .png()
    .toBuffer();
  return sharp({ create: { width: 80, height: 40, channels: 3, background: '#f00' } }).composite([
    { input: right, left: 40, top: 0 },
  ]);
}

async function pixel(bytes: Uint8Array, x = 4, y = 4, size = 8): Promise<number[]> {
  const { data } = await decodeImage({ bytes }, { size });
  return [...data.subarray((y * size + x) * 3, (y * size + x) * 3 + 3)];
}

describe('decodeImage', () => {
  it.each([
    ['JPEG', () => noise(1).jpeg()],
    ['progressive JPEG', () => noise(1).jpeg({ progressive: true })],
    ['PNG', () => noise(1).png()],
    ['WebP', () => noise(1).webp()],
    ['AVIF', () => noise(1).avif()],
    ['GIF', () => noise(1).gif()],
    ['grey PNG', () => noise(1).toColourspace('b-w').png()],
    ['PNG with a palette', () => noise(1).png({ palette: true })],
    ['16-bit PNG', () => noise(1).toColourspace('rgb16').png()],
    ['CMYK JPEG', () => noise(1).toColourspace('cmyk').jpeg()],
  ])('gives size × size RGB from %s', async (_name, make) => {
    const decoded = await decodeImage({ bytes: await make().toBuffer() }, { size: 32 });
    expect(decoded).toMatchObject({ width: 32, height: 32, sourceWidth: 40, sourceHeight: 30 });
    expect(decoded.data).toHaveLength(32 * 32 * 3);
    expect(new Set(decoded.data).size).toBeGreaterThan(20);
  });

  it('lays transparent pictures on white', async () => {
    expect(await pixel(await flat('#ff000000').png().toBuffer())).toEqual([255, 255, 255]);
    expect(await pixel(await flat('#ff000080').png().toBuffer())).toEqual([255, 127, 127]);
  });

  it('keeps colours through 16 bits and CMYK', async () => {
    const deep = await flat('#f80').removeAlpha().toColourspace('rgb16').png().toBuffer();
    const [red16 = 0, green16 = 0, blue16 = 255] = await pixel(deep);
    expect([red16, blue16]).toEqual([255, 0]);
    expect(Math.abs(green16 - 136)).toBeLessThanOrEqual(1);
    const [red = 0, green = 255] = await pixel(
      await flat('#f00').removeAlpha().toColourspace('cmyk').jpeg().toBuffer(),
    );
    expect(red).toBeGreaterThan(200);
    expect(green).toBeLessThan(60);
  });

  it('turns by EXIF before anything else', async () => {
    const turned = await (await halves()).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await inspectImage({ bytes: turned })).toEqual({ format: 'jpeg', width: 40, height: 80 });
    // Turned clockwise, the left (red) half is on top; the box is in turned coordinates.
    const { data } = await decodeImage({ bytes: turned }, { size: 8, box: { x: 0, y: 0, w: 1, h: 0.5 } });
    expect(data[0]).toBeGreaterThan(200);
    expect(data[data.length - 1]).toBeLessThan(60);
  });

  it('cuts out the box', async () => {
    const bytes = await (await halves()).png().toBuffer();
    const { data } = await decodeImage({ bytes }, { size: 8, box: { x: 0.5, y: 0, w: 0.5, h: 1 } });
    expect([...data.subarray(0, 3)]).toEqual([0, 0, 255]);
  });

  it.each([
    { x: 0.6, y: 0, w: 0.6, h: 1 },
    { x: 0, y: 0, w: 0, h: 1 },
    { x: Number.NaN, y: 0, w: 1, h: 1 },
    { x: -0.1, y: 0, w: 1, h: 1 },
  ])('refuses the box %o', async (box) => {
    const bytes = await noise(1).png().toBuffer();
    expect(await failure(decodeImage({ bytes }, { size: 8, box }))).toMatchObject({
      code: 'invalid-box',
      field: 'box',
    });
  });

  it.each([
    ['jpeg', () => noise(2, 60, 400).jpeg()],
    ['progressive', () => noise(2, 60, 400).jpeg({ progressive: true })],
    ['png', () => noise(2, 60, 400).png()],
    ['webp', () => noise(2, 60, 400).webp()],
    ['avif', () => noise(2, 60, 400).avif()],
    ['gif', () => noise(2, 60, 400).gif()],
  ])('finds a cut-off %s, even one cut off below the crop', async (_name, make) => {
    const whole = await make().toBuffer();
    for (const share of [0.02, 0.5, 0.98]) {
      const bytes = whole.subarray(0, Math.floor(whole.length * share));
      expect((await failure(decodeImage({ bytes }, { size: 16 }))).code).toBe('image-unreadable');
    }
  });

  it('finds a picture of ordinary shape cut off below the centre crop', async () => {
    const whole = await noise(2, 200, 600).jpeg().toBuffer();
    const bytes = whole.subarray(0, Math.floor(whole.length * 0.95));
    expect((await failure(decodeImage({ bytes }, { size: 32 }))).code).toBe('image-unreadable');
  });

  it('takes very long pictures', async () => {
    const bytes = await noise(3, 2000, 2).png().toBuffer();
    expect((await decodeImage({ bytes }, { size: 16 })).data).toHaveLength(16 * 16 * 3);
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'image-unreadable'],
    ['text', Buffer.from('hello'), 'image-unsupported'],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image-unsupported'],
    ['SVG with a prologue', Buffer.from('<?xml version="1.0"?>\n<!-- x -->\n<svg/>'), 'image-unsupported'],
    ['a JPEG header and nothing else', Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'image-unreadable'],
  ])('refuses %s', async (_name, bytes, code) => {
    expect((await failure(decodeImage({ bytes }, { size: 8 }))).code).toBe(code);
    expect((await failure(inspectImage({ bytes }))).code).toBe(code);
  });

  it('refuses TIFF, and HEIC with advice', async () => {
    const tiff = await noise(1).tiff().toBuffer();
    expect(await failure(inspectImage({ bytes: tiff }))).toMatchObject({ code: 'image-unsupported' });
    const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), Buffer.alloc(64)]);
    const error = await failure(inspectImage({ bytes: heic }));
    expect(error.code).toBe('image-unsupported');
    expect(error.hint).toContain('JPEG');
  });

  it('refuses too many pixels from the header alone', async () => {
    const png = await noise(1, 8, 8).png().toBuffer();
    png.writeUInt32BE(100_000, 16);
    png.writeUInt32BE(1_000, 20);
    // The header's checksum no longer fits; libpng forgives that in metadata, which is all that is read.
    const error = await failure(decodeImage({ bytes: png }, { size: 8 }));
    expect(error.code).toBe('image-too-large');
    expect(error.message).toContain('100 megapixels');
  });

  it('names the file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x.jpg'), 'no');
    expect((await failure(inspectImage({ path: join(folder, 'x.jpg') }))).message).toContain('x.jpg is not an image');
    expect((await failure(inspectImage({ path: join(folder, 'y.jpg') }))).code).toBe('image-missing');
    expect((await failure(inspectImage({ path: folder }))).code).toBe('image-unreadable');
  });

  it('sees what a file holds now, not what it held before', async () => {
    const path = join(await temporaryFolder(), 'x.png');
    await writeFile(path, await flat('#f00').png().toBuffer());
    const before = await decodeImage({ path }, { size: 8 });
    await writeFile(path, await flat('#00f').png().toBuffer());
    const after = await decodeImage({ path }, { size: 8 });
    expect([...before.data.subarray(0, 3), ...after.data.subarray(0, 3)]).toEqual([255, 0, 0, 0, 0, 255]);
  });
});

describe('blockUnsafeLoaders', () => {
  it('leaves the five formats and nothing else, in a process of its own', () => {
    const script = `
      const { blockUnsafeLoaders, decodeImage } = await import('./dist/data/decode.js');
      const sharp = (await import('sharp')).default;
      const make = () => sharp({ create: { width: 9, height: 9, channels: 3, background: '#f00' } });
      const files = {};
      for (const format of ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff']) files[format] = await make().toFormat(format).toBuffer();
      files.svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
      blockUnsafeLoaders();
      const works = async ([format, bytes]) => [format, await sharp(bytes).raw().toBuffer().then(() => true, () => false)];
      console.log(JSON.stringify(Object.fromEntries(await Promise.all(Object.entries(files).map(works)))));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    const all = { jpeg: true, png: true, webp: true, avif: true, gif: true, tiff: false, svg: false };
    expect(JSON.parse(output)).toEqual(all);
  });
});
