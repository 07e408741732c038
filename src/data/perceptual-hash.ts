import type { RgbImage } from '../core/images.js';

/** Width and height of what is hashed: `decodeImage` at this size gives it. */
export const hashedSize = 32;

/**
 * Hashes that differ in no more bits are of copies of a picture. On 917 photos (docs/audit.md): copies encoded again or
 * scaled down differ in 6 at most, and 1 of 420,000 pairs of photos in as few.
 */
export const sameHashBits = 6;

/** Cosine frequencies that are kept each way, the constant left out of them. */
const kept = 8;

/** Frequencies whose weight stays below this, in grey levels, are noise: a plain picture has no hash. */
const leastContrast = 1;

/** cosines[frequency · hashedSize + position], frequencies 1 … kept. */
const cosines = Float64Array.from({ length: kept * hashedSize }, (_, at) => {
  const [frequency, position] = [Math.floor(at / hashedSize) + 1, at % hashedSize];
  return Math.cos((Math.PI * frequency * (2 * position + 1)) / (2 * hashedSize));
});

/** Luma of Rec. 601, row by row, 0 … 255. */
function grey({ data }: RgbImage): Float64Array {
  return Float64Array.from({ length: data.length / 3 }, (_, i) => {
    const [r, g, b] = [data[3 * i] ?? 0, data[3 * i + 1] ?? 0, data[3 * i + 2] ?? 0];
    return 0.299 * r + 0.587 * g + 0.114 * b;
  });
}

/** Coefficients of the type-II cosine transform, frequencies 1 … kept each way. */
function lowFrequencies(pixels: Float64Array): Float64Array {
  const across = new Float64Array(hashedSize * kept);
  for (let row = 0; row < hashedSize; row++)
    for (let u = 0; u < kept; u++) {
      let sum = 0;
      for (let x = 0; x < hashedSize; x++)
        sum += (pixels[row * hashedSize + x] ?? 0) * (cosines[u * hashedSize + x] ?? 0);
      across[row * kept + u] = sum;
    }
  const coefficients = new Float64Array(kept * kept);
  for (let v = 0; v < kept; v++)
    for (let u = 0; u < kept; u++) {
      let sum = 0;
      for (let y = 0; y < hashedSize; y++) sum += (across[y * kept + u] ?? 0) * (cosines[v * hashedSize + y] ?? 0);
      coefficients[v * kept + u] = sum;
    }
  return coefficients;
}

/**
 * A 64-bit perceptual hash: which of the 64 lowest cosine frequencies of the picture's centre square, in grey, are above
 * their median. Copies that were encoded again, scaled or cropped by a few per cent differ in few bits, other pictures in
 * about 32. Source: C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010 (DCT hash).
 * @param image `hashedSize` pixels each way
 * @returns 16 hexadecimal digits; null for a picture of nearly one colour, which looks like any other of these
 */
export function perceptualHash(image: RgbImage): string | null {
  if (image.width !== hashedSize || image.height !== hashedSize) {
    throw new RangeError(`hashed are ${hashedSize} × ${hashedSize} pixels, not ${image.width} × ${image.height}`);
  }
  const coefficients = lowFrequencies(grey(image));
  const energy = coefficients.reduce((sum, value) => sum + value * value, 0);
  // By Parseval, 2/N times a coefficient is its share of the picture in grey levels.
  if ((2 / hashedSize) * Math.sqrt(energy / coefficients.length) < leastContrast) return null;
  const sorted = coefficients.toSorted();
  const median = ((sorted[31] ?? 0) + (sorted[32] ?? 0)) / 2;
  let hex = '';
  for (let i = 0; i < coefficients.length; i += 4) {
    let digit = 0;
    for (let bit = 0; bit < 4; bit++) digit = digit * 2 + ((coefficients[i + bit] ?? 0) > median ? 1 : 0);
    hex += digit.toString(16);
  }
  return hex;
}
