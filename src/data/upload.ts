import sharp from 'sharp';
import { KindredError } from '../core/errors.js';
import { type ImageHeader, inspectImage } from './decode.js';
import { uploadFormats } from './image-format.js';

/** px; the longest panoramas are shorter. A row or column of that length costs memory whatever the area. */
const mostSide = 32_768;

/** Of an animation only the first is looked at, but its container names them all. */
const mostFrames = 1000;

function tooLarge(message: string): KindredError {
  return new KindredError('image-too-large', message, {
    hint: 'Scale it down: no model looks at more than a few hundred pixels.',
  });
}

/**
 * Judges an upload by its header alone, so that a bomb is refused before a pixel is decoded.
 * @throws KindredError image-unsupported, image-unreadable, image-too-large
 */
export async function inspectUpload(bytes: Uint8Array): Promise<ImageHeader> {
  const header = await inspectImage({ bytes }, uploadFormats);
  const side = Math.max(header.width, header.height);
  if (side > mostSide) throw tooLarge(`the image has a side of ${side} pixels, at most ${mostSide} are decoded`);
  if (header.format === 'webp' || header.format === 'avif') {
    const { pages = 1 } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (pages > mostFrames) throw tooLarge(`the image has ${pages} frames, at most ${mostFrames} are taken`);
  }
  return header;
}
