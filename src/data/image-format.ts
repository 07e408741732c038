/** What the first bytes of a file say it is. `unknown`: no image format that we know of. */
export type SniffedFormat =
  'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'heic' | 'svg' | 'tiff' | 'bmp' | 'jxl' | 'pdf' | 'psd' | 'unknown';

/** The formats that are decoded. Of an animation, the first frame. */
export const supportedFormats = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const;
export type SupportedFormat = (typeof supportedFormats)[number];
/** What strangers may send: no GIF, whose decoder is there for catalogues that have some. */
export const uploadFormats: readonly SupportedFormat[] = ['jpeg', 'png', 'webp', 'avif'];
const formatNames: Readonly<Record<SupportedFormat, string>> = {
  jpeg: 'JPEG',
  png: 'PNG',
  webp: 'WebP',
  avif: 'AVIF',
  gif: 'GIF',
};

/** 'JPEG, PNG or WebP' */
export function listFormats(formats: readonly SupportedFormat[]): string {
  const names = formats.map((format) => formatNames[format]);
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' or ');
}

/** File name endings of the supported formats. */
export const imageExtensions: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif']);
/** Endings of images that are not decoded; a folder scan reports them instead of passing over them. */
export const otherImageExtensions: ReadonlySet<string> = new Set(
  '.heic .heif .svg .tif .tiff .bmp .jxl .psd'.split(' '),
);

export function isSupported(
  format: SniffedFormat,
  accepted: readonly SupportedFormat[] = supportedFormats,
): format is SupportedFormat {
  return accepted.some((supported) => supported === format);
}

/** The brands of an ISO media file (its first box): 'avif', 'heic', 'mif1', … */
function brands(head: Buffer): string[] {
  const length = Math.min(head.readUInt32BE(0), head.length);
  const found = [head.toString('latin1', 8, 12)];
  for (let at = 16; at + 4 <= length; at += 4) found.push(head.toString('latin1', at, at + 4));
  return found;
}

/**
 * Names the format from the first bytes alone, so that bytes of any other kind never reach a decoder.
 * @param bytes the file, or at least its first 512 bytes
 */
export function sniffFormat(bytes: Uint8Array): SniffedFormat {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 512));
  const text = head.toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'gif';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'webp';
  if (head.length >= 16 && text.slice(4, 8) === 'ftyp') {
    const found = brands(head);
    if (found.includes('avif') || found.includes('avis')) return 'avif';
    if (found.some((brand) => /^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand))) return 'heic';
  }
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'tiff';
  if (text.startsWith('BM')) return 'bmp';
  if (text.startsWith('\xff\x0a') || text.slice(4, 8) === 'JXL ') return 'jxl';
  if (text.startsWith('%PDF')) return 'pdf';
  if (text.startsWith('8BPS')) return 'psd';
  return /<svg[\s>]/i.test(text) || /^\s*<\?xml[^]*<!DOCTYPE svg/i.test(text) ? 'svg' : 'unknown';
}
