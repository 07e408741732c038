import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { inspectUpload } from '../../src/data/upload.js';

const plain = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: '#a33' } });

/** An animation of so many frames, each of another grey. */
async function animation(frames: number): Promise<Buffer> {
  const pixels = Buffer.alloc(frames * 48).map((_, at) => (Math.floor(at / 48) * 37) % 251);
  return sharp(pixels, { raw: { width: 4, height: 4 * frames, channels: 3, pageHeight: 4 } })
    .webp()
    .toBuffer();
}

/** The box that an HEIC file of a phone begins with. */
const heic = Buffer.concat([Buffer.from('0000001c66747970', 'hex'), Buffer.from('heic\0\0\0\0mif1heicmiaf')]);

describe('an upload', () => {
  it.each(['jpeg', 'png', 'webp', 'avif'] as const)('may be %s', async (format) => {
    expect(await inspectUpload(await plain(30, 20)[format]().toBuffer())).toMatchObject({ format, width: 30 });
  });

  it('may not be GIF, nor what a phone makes, which is told how to do better', async () => {
    await expect(inspectUpload(await plain(3, 2).gif().toBuffer())).rejects.toMatchObject({
      code: 'image-unsupported',
      hint: 'Convert it to JPEG, PNG, WebP or AVIF.',
    });
    const refused = {
      code: 'image-unsupported',
      hint: 'Phones can save JPEG instead, or convert it to JPEG, PNG, WebP or AVIF.',
    };
    await expect(inspectUpload(heic)).rejects.toMatchObject(refused);
  });

  it('has sides of a bounded length, however small the other is', async () => {
    const long = await plain(40_000, 2).png().toBuffer();
    await expect(inspectUpload(long)).rejects.toMatchObject({ code: 'image-too-large' });
    const panorama = await plain(30_000, 2).png().toBuffer();
    expect(await inspectUpload(panorama)).toMatchObject({ width: 30_000 });
  });

  it('has a bounded number of frames', async () => {
    expect(await inspectUpload(await animation(20))).toMatchObject({ format: 'webp', height: 4 });
    await expect(inspectUpload(await animation(1100))).rejects.toMatchObject({ code: 'image-too-large' });
  });
});

it('the decoders that nobody needs are off in threads of the process as well', async () => {
  const script = `
    import { Worker } from 'node:worker_threads';
    import { blockUnsafeLoaders } from './dist/data/decode.js';
    blockUnsafeLoaders();
    new Worker(\`
      const { default: sharp } = await import('sharp');
      const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>');
      const ppm = Buffer.from('P6 1 1 255\\\\n123');
      const tries = [svg, ppm].map((bytes) => sharp(bytes).metadata().then(() => 'read', () => 'refused'));
      const png = sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } }).png().toBuffer();
      tries.push(png.then((bytes) => sharp(bytes).metadata()).then(({ format }) => format));
      Promise.all(tries).then((found) => console.log(found.join()));
    \`, { eval: true });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stdout).toBe('refused,refused,png\n');
});
