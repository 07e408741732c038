import sharp from 'sharp';
import { KindredError } from '../core/errors.js';
import { type Box, type ImageSource, maxPixels, type RgbImage } from '../core/images.js';
import {
  isSupported,
  listFormats,
  sniffFormat,
  type SniffedFormat,
  type SupportedFormat,
  supportedFormats,
} from './image-format.js';
import { describeSource, readImageBytes } from './image-source.js';
import { centreCrop } from './pixels.js';
import { quickSize } from './quick-header.js';

/**
 * A picture whose long side is more than this many times its short side is cropped while it is resized, to keep
 * memory bounded.
 */
const longestAspect = 50;
/** Seconds until decoding a picture is given up: one of the most pixels takes about one. */
const mostDecodeSeconds = 15;
const white = { r: 255, g: 255, b: 255 } as const;

export interface ImageHeader {
  readonly format: SupportedFormat;
  /** Pixels after EXIF rotation. */
  readonly width: number;
  readonly height: number;
}

export interface DecodeOptions {
  /** Width and height of the result, in pixels. */
  readonly size: number;
  /** What the shorter side is resized to before `size` is cut out, px; default: `size`, so that only the longer side is cropped. */
  readonly resize?: number | undefined;
  /** Only this part of the picture, in fractions after EXIF rotation. */
  readonly box?: Box;
}

export interface DecodedImage extends RgbImage {
  /** Pixels of the whole picture after EXIF rotation. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
}

function unsupported(format: SniffedFormat, name: string, accepted: readonly SupportedFormat[]): KindredError {
  const taken = isSupported(format) ? 'is not taken here' : 'is not supported';
  const what = format === 'unknown' ? 'is not an image' : `is ${format.toUpperCase()}, which ${taken}`;
  const advice = format === 'heic' ? 'Phones can save JPEG instead, or convert it' : 'Convert it';
  return new KindredError('image-unsupported', `${name} ${what}`, {
    hint: `${advice} to ${listFormats(accepted)}.`,
  });
}

function unreadable(name: string, reason: string, cause?: unknown): KindredError {
  return new KindredError('image-unreadable', `${name} ${reason}`, {
    hint: 'Save or copy it again: the file is damaged or incomplete.',
    cause,
  });
}

/** libvips says "VipsJpeg: premature end of JPEG image" over several lines, or nothing of use. */
function decoderFailure(name: string, error: unknown): KindredError {
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
  const known = reason === '' || reason === 'Unknown error' ? '' : ` (${reason})`;
  return unreadable(name, `is damaged or cut off${known}`, error);
}

async function readHeader(
  bytes: Uint8Array,
  name: string,
  accepted: readonly SupportedFormat[] = supportedFormats,
): Promise<ImageHeader> {
  if (bytes.byteLength === 0) throw unreadable(name, 'is empty (0 bytes)');
  const format = sniffFormat(bytes);
  if (!isSupported(format, accepted)) throw unsupported(format, name, accepted);
  let size = quickSize(bytes, format);
  try {
    size ??= (await sharp(bytes, { limitInputPixels: false }).metadata()).autoOrient;
  } catch (error) {
    throw decoderFailure(name, error);
  }
  if (size.width * size.height > maxPixels) {
    throw new KindredError(
      'image-too-large',
      `${name} has ${(size.width * size.height * 1e-6).toFixed(0)} megapixels, at most ${maxPixels * 1e-6} are decoded`,
      { hint: 'Scale it down: no model looks at more than a few hundred pixels.' },
    );
  }
  return { format, width: size.width, height: size.height };
}

/**
 * Reads an image's header and nothing else: milliseconds, whatever its size.
 * @throws KindredError image-missing, image-unsupported, image-too-large, image-unreadable
 */
export async function inspectImage(source: ImageSource, accepted?: readonly SupportedFormat[]): Promise<ImageHeader> {
  return readHeader(await readImageBytes(source), describeSource(source), accepted);
}

/** A box in whole pixels, at least one pixel each way and inside the picture. */
function pixelBox(box: Box, header: ImageHeader): { left: number; top: number; width: number; height: number } {
  const finite = [box.x, box.y, box.w, box.h].every((value) => Number.isFinite(value) && value >= 0 && value <= 1);
  if (!finite || box.w === 0 || box.h === 0 || box.x + box.w > 1.0001 || box.y + box.h > 1.0001) {
    throw new KindredError('invalid-box', 'the box must lie within the picture and have an area', {
      hint: 'Give x, y, w and h as fractions of the picture, each in 0 … 1.',
      field: 'box',
    });
  }
  const left = Math.min(Math.floor(box.x * header.width), header.width - 1);
  const top = Math.min(Math.floor(box.y * header.height), header.height - 1);
  return {
    left,
    top,
    width: Math.max(1, Math.min(Math.round(box.w * header.width), header.width - left)),
    height: Math.max(1, Math.min(Math.round(box.h * header.height), header.height - top)),
  };
}

/**
 * The one preprocessing of kindred, the same for training, indexing and serving: EXIF rotation, transparency on white,
 * any colour space and depth to 8-bit sRGB, the optional box, then resized to cover size × size (or a larger `resize`) and cropped to its
 * centre. Of an animation, the first frame.
 * @returns exactly size × size pixels
 * @throws KindredError image-missing, image-unsupported, image-too-large, image-unreadable, invalid-box
 */
export async function decodeImage(source: ImageSource, options: DecodeOptions): Promise<DecodedImage> {
  const name = describeSource(source);
  const bytes = await readImageBytes(source);
  const header = await readHeader(bytes, name);
  const { size, resize = size } = options;
  // 'error' finds truncated files but forgives the harmless warnings that many cameras' files give.
  let pipeline = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' }).autoOrient();
  const area = options.box ? pixelBox(options.box, header) : header;
  if ('left' in area) pipeline = pipeline.extract(area);
  // Cropping here and not in sharp makes it read every row: a file cut off below the crop is found out too.
  const aspect = Math.max(area.width, area.height) / Math.min(area.width, area.height);
  const fit = aspect > longestAspect ? 'cover' : 'outside';
  try {
    const { data, info } = await pipeline
      .flatten({ background: white })
      // JPEG's own scaling by 2, 4 or 8 first, as is sharp's default. Against decoding every pixel: photos of 704 px scaled
      // to 96 px keep their embeddings (mean cosine 0.99997) and R@1, and take half the time (docs/performance.md).
      .resize(resize, resize, { fit, fastShrinkOnLoad: true })
      .toColourspace('srgb')
      .raw()
      .timeout({ seconds: mostDecodeSeconds })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    const square = centreCrop({ width: info.width, height: info.height, data }, size);
    return { width: size, height: size, data: square, sourceWidth: header.width, sourceHeight: header.height };
  } catch (error) {
    throw decoderFailure(name, error);
  }
}

/**
 * Switches off, for the whole process, every loader that an upload has no business with. Formats are sniffed before
 * anything is decoded anyway; this is the second lock. Not at import: rendering emoji needs the SVG loader.
 */
export function blockUnsafeLoaders(): void {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: [
      'VipsForeignLoadJpegBuffer',
      'VipsForeignLoadPngBuffer',
      'VipsForeignLoadWebpBuffer',
      'VipsForeignLoadHeifBuffer',
      'VipsForeignLoadNsgifBuffer',
    ],
  });
}

/**
 * Threads that libvips uses for one image. 1 is best where several images are decoded at a time; also turns its
 * cache off, which no caller profits from.
 */
export function setDecoderThreads(threads: number): void {
  sharp.concurrency(threads);
  sharp.cache(false);
}
