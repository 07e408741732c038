import type { SniffedFormat } from './image-format.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Start-of-frame markers carry the size; C4, C8 and CC are tables and no frames. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function jpegSize(bytes: Uint8Array, view: DataView): Size | undefined {
  for (let at = 2; at + 9 <= bytes.length;) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker === 0xff || marker < 0xc0) return undefined;
    if (isFrame(marker)) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    // APP1 is Exif, which may turn the picture; behind a start of scan comes no frame.
    if (marker === 0xe1 || marker === 0xda) return undefined;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

const plainChunks = new Set(['IHDR', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'sBIT', 'bKGD', 'pHYs', 'tIME', 'PLTE', 'tRNS']);

function pngSize(bytes: Uint8Array, view: DataView): Size | undefined {
  for (let at = 8; at + 8 <= bytes.length;) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'IDAT') return { width: view.getUint32(16), height: view.getUint32(20) };
    // Exif, or text that may hold it.
    if (!plainChunks.has(type)) return undefined;
    at += 12 + view.getUint32(at);
  }
  return undefined;
}

/**
 * The size of a plain JPEG or PNG from its first bytes, without a decoder: opening one costs as much as a tenth of decoding
 * a small photo. Undefined for anything out of the ordinary (Exif, which may turn the picture, a damaged file), which
 * is then the decoder's to read.
 */
export function quickSize(bytes: Uint8Array, format: SniffedFormat): Size | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = format === 'jpeg' ? jpegSize(bytes, view) : format === 'png' ? pngSize(bytes, view) : undefined;
  return size && size.width > 0 && size.height > 0 ? size : undefined;
}
