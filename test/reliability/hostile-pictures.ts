import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

export interface HostileFile {
  readonly name: string;
  readonly bytes: Buffer;
}

const [width, height] = [64, 48];

/** One picture, left half red and right half blue, below it a little green: no two orientations look the same. */
export function drawing(): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const low = i / width > height * 0.75;
    pixels.set(low ? [20, 200, 30] : i % width < width / 2 ? [200, 10, 30] : [20, 20, 220], i * 3);
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** EXIF orientation → how a sensor held that way stored the picture: the inverse of what a viewer does. */
const stored: Readonly<Record<number, readonly ((image: Sharp) => Sharp)[]>> = {
  1: [],
  2: [(image) => image.flop()],
  3: [(image) => image.rotate(180)],
  4: [(image) => image.flip()],
  5: [(image) => image.rotate(90), (image) => image.flop()],
  6: [(image) => image.rotate(270)],
  7: [(image) => image.rotate(90), (image) => image.flip()],
  8: [(image) => image.rotate(90)],
};

/** The same picture in every encoding, depth, colour space and orientation that is accepted. */
export async function samePicture(): Promise<HostileFile[]> {
  const ways: [string, Sharp][] = [
    ['jpeg', drawing().jpeg({ quality: 95, chromaSubsampling: '4:4:4' })],
    ['jpeg progressive', drawing().jpeg({ progressive: true, quality: 95 })],
    ['jpeg cmyk', drawing().toColourspace('cmyk').jpeg({ quality: 95 })],
    ['jpeg with a profile', drawing().withIccProfile('p3').jpeg({ quality: 95 })],
    ['png', drawing().png()],
    ['png palette', drawing().png({ palette: true })],
    ['png interlaced', drawing().png({ progressive: true })],
    ['png 16 bit', drawing().toColourspace('rgb16').png()],
    ['png with alpha', drawing().ensureAlpha().png()],
    ['webp', drawing().webp({ quality: 95 })],
    ['webp lossless', drawing().webp({ lossless: true })],
    ['avif', drawing().avif({ quality: 90, effort: 0 })],
  ];
  for (const [orientation, turns] of Object.entries(stored)) {
    let turned = drawing();
    // One by one: sharp has an order of its own for what it does at once.
    for (const turn of turns) turned = sharp(await turn(turned).png().toBuffer());
    ways.push([`jpeg orientation ${orientation}`, turned.withMetadata({ orientation: Number(orientation) }).jpeg()]);
  }
  return Promise.all(ways.map(async ([name, image]) => ({ name, bytes: await image.toBuffer() })));
}

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

function pngBomb(side: number, ...before: Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const body = [pngChunk('IDAT', deflateSync(Buffer.alloc(1000))), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), pngChunk('IHDR', header), ...before, ...body]);
}

/** A few bytes that claim to be a huge picture, in every format. */
export async function bombs(): Promise<HostileFile[]> {
  const jpeg = await drawing().jpeg().toBuffer();
  const frame = jpeg.indexOf(Buffer.from('ffc0', 'hex'));
  jpeg.writeUInt16BE(65_000, frame + 5);
  jpeg.writeUInt16BE(65_000, frame + 7);
  const webp = await drawing().webp({ lossless: true }).toBuffer();
  webp.writeUInt32LE(((16_383 << 14) | 16_383) >>> 0, webp.indexOf('VP8L') + 9);
  const avif = await drawing().avif({ effort: 0 }).toBuffer();
  const size = avif.indexOf('ispe') + 8;
  avif.writeUInt32BE(60_000, size);
  avif.writeUInt32BE(60_000, size + 4);
  const gif = await drawing().gif().toBuffer();
  // The decoder believes the frame rather than an absurd screen.
  const descriptor = gif.indexOf(Buffer.from('2c0000000040003000', 'hex'));
  for (const at of [6, 8, descriptor + 5, descriptor + 7]) gif.writeUInt16LE(65_000, at);
  return [
    { name: 'png bomb', bytes: pngBomb(30_000) },
    { name: 'png bomb of 2^31 px', bytes: pngBomb(0x7fffffff) },
    { name: 'png bomb behind text', bytes: pngBomb(40_000, pngChunk('tEXt', Buffer.from('Comment\0hello'))) },
    { name: 'jpeg bomb', bytes: jpeg },
    { name: 'webp bomb', bytes: webp },
    { name: 'avif bomb', bytes: avif },
    { name: 'gif bomb', bytes: gif },
  ];
}

/** What is no picture, no single picture, or two things at once. */
export async function oddities(): Promise<HostileFile[]> {
  const png = await drawing().png().toBuffer();
  const jpeg = await drawing().jpeg().toBuffer();
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>';
  const grey = (channels: 1 | 2, bytes: number) =>
    sharp(Buffer.alloc(bytes, 90), { raw: { width: 8, height: 8, channels } });
  const files: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    'one byte': Buffer.from([0xff]),
    'an svg': Buffer.from(svg),
    'an svg behind 600 spaces': Buffer.from(' '.repeat(600) + svg),
    'a tiff': await drawing().tiff().toBuffer(),
    'a heic': Buffer.concat([Buffer.from('00000018667479706865696300000000', 'hex'), Buffer.from('mif1heic'), png]),
    'a zip': Buffer.concat([Buffer.from('504b0304', 'hex'), Buffer.alloc(200)]),
    'a zip behind a jpeg': Buffer.concat([jpeg, Buffer.from('504b0304', 'hex'), Buffer.alloc(200)]),
    'html in a gif': Buffer.from('GIF89a/*<script>alert(1)</script>*/=1;'),
    'a png within a jpeg': Buffer.concat([jpeg.subarray(0, 20), png]),
    'a jpeg behind a png': Buffer.concat([png, jpeg]),
    'an avif of brands alone': Buffer.from('0000001c66747970617669660000000061766966', 'hex'),
    'a box of length 0': Buffer.from('00000000667479706176696600000000', 'hex'),
    'a webp of nothing': Buffer.from('524946460000000057454250', 'hex'),
    grey: await grey(1, 64).png().toBuffer(),
    'grey with alpha': await grey(2, 128).png().toBuffer(),
    'one pixel': await drawing().resize(1, 1).png().toBuffer(),
    'a line': await drawing().resize(2000, 1, { fit: 'fill' }).png().toBuffer(),
    'an animation': await sharp(Buffer.alloc(64 * 96 * 3, 60), {
      raw: { width: 64, height: 96, channels: 3, pageHeight: 48 },
    })
      .webp()
      .toBuffer(),
  };
  return Object.entries(files).map(([name, bytes]) => ({ name, bytes }));
}

/** `count` damaged copies of the files, the same for the same seed: cut off, bytes changed, pieces gone or doubled. */
export function* mutations(files: readonly HostileFile[], count: number, random: () => number): Generator<HostileFile> {
  for (let i = 0; i < count; i++) {
    const file = files[i % files.length];
    if (!file) return;
    const { length } = file.bytes;
    const at = Math.floor(random() * length);
    const some = 1 + Math.floor(random() * 40);
    const kind = i % 5;
    let bytes = Buffer.from(file.bytes);
    if (kind === 0) bytes = bytes.subarray(0, at);
    else if (kind === 1)
      for (let n = 0; n < some; n++) bytes[Math.floor(random() * length)] = Math.floor(random() * 256);
    // Headers are where a size or an offset is believed.
    else if (kind === 2)
      bytes[Math.floor(random() * Math.min(length, 200))] = random() < 0.5 ? 255 : Math.floor(random() * 256);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + some)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - some))]);
    yield { name: `${file.name}, damage ${i}`, bytes };
  }
}
