import type { RgbImage } from '../core/images.js';
import type { Random } from '../core/random.js';

/** An area of a picture in pixels; may be fractional. */
interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The centre size × size pixels of an image at least that large, as they are.
 * @throws RangeError when the image is smaller
 */
export function centreCrop(image: RgbImage, size: number): Uint8Array {
  if (image.width < size || image.height < size) {
    throw new RangeError(`cannot crop ${size} × ${size} from ${image.width} × ${image.height}`);
  }
  if (image.width === size && image.height === size) return image.data;
  const left = Math.floor((image.width - size) / 2);
  const top = Math.floor((image.height - size) / 2);
  const result = new Uint8Array(size * size * 3);
  for (let row = 0; row < size; row++) {
    const start = ((top + row) * image.width + left) * 3;
    result.set(image.data.subarray(start, start + size * 3), row * size * 3);
  }
  return result;
}

/** For each output position: the first input position, and the weights of `taps` inputs from there on. */
interface Filter {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/**
 * A triangle filter that widens when it shrinks, so that detail is averaged and not skipped: bilinear when enlarging,
 * as in Pillow and torchvision.
 */
function triangleFilter(start: number, length: number, inputs: number, outputs: number, mirrored: boolean): Filter {
  const scale = length / outputs;
  const support = Math.max(1, scale);
  const taps = Math.min(inputs, Math.ceil(2 * support));
  const first = new Int32Array(outputs);
  const weights = new Float32Array(outputs * taps);
  for (let i = 0; i < outputs; i++) {
    const centre = start + (i + 0.5) * scale - 0.5;
    const from = Math.max(0, Math.min(Math.ceil(centre - support), inputs - taps));
    const at = mirrored ? outputs - 1 - i : i;
    first[at] = from;
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      const weight = Math.max(0, 1 - Math.abs(from + t - centre) / support);
      weights[at * taps + t] = weight;
      sum += weight;
    }
    for (let t = 0; t < taps; t++) weights[at * taps + t] = (weights[at * taps + t] ?? 0) / sum;
  }
  return { taps, first, weights };
}

/** Memory for one picture's values, kept: a run augments hundreds of thousands, one after the other. */
let acrossValues = new Float32Array(0);
let values = new Float32Array(0);

function atLeast(array: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  return array.length >= length ? array : new Float32Array(length);
}

/** Each row of `rows` on from `firstRow`, filtered to `size` pixels, into `acrossValues`. */
function filterRows({ data, width }: RgbImage, filter: Filter, firstRow: number, rows: number, size: number): void {
  const { taps, first, weights } = filter;
  const target = acrossValues;
  let to = 0;
  for (let y = 0; y < rows; y++) {
    const line = (firstRow + y) * width;
    let at = 0;
    for (let x = 0; x < size; x++) {
      let [r, g, b] = [0, 0, 0];
      let from = (line + (first[x] ?? 0)) * 3;
      for (let t = 0; t < taps; t++, from += 3) {
        const weight = weights[at++] ?? 0;
        r += weight * (data[from] ?? 0);
        g += weight * (data[from + 1] ?? 0);
        b += weight * (data[from + 2] ?? 0);
      }
      target[to] = r;
      target[to + 1] = g;
      target[to + 2] = b;
      to += 3;
    }
  }
}

/** Each column of `acrossValues` filtered to `size` pixels, into `values`; returns their sum. */
function filterColumns({ taps, first, weights }: Filter, firstRow: number, size: number): number {
  const stride = size * 3;
  const [source, target] = [acrossValues, values];
  let sum = 0;
  for (let y = 0; y < size; y++) {
    const from = ((first[y] ?? 0) - firstRow) * stride;
    const to = y * stride;
    // Three taps at once, which is all there are unless a picture shrinks by more than half; absent ones weigh nothing.
    for (let t = 0; t < taps; t += 3) {
      const [a, b, c] = [0, 1, 2].map((i) => (t + i < taps ? (weights[y * taps + t + i] ?? 0) : 0));
      const [w0, w1, w2] = [a ?? 0, b ?? 0, c ?? 0];
      const p0 = from + t * stride;
      const p1 = t + 1 < taps ? p0 + stride : p0;
      const p2 = t + 2 < taps ? p1 + stride : p0;
      for (let i = 0; i < stride; i++) {
        const value = w0 * (source[p0 + i] ?? 0) + w1 * (source[p1 + i] ?? 0) + w2 * (source[p2 + i] ?? 0);
        target[to + i] = t === 0 ? value : (target[to + i] ?? 0) + value;
        sum += value;
      }
    }
  }
  return sum;
}

/** Resamples an area to size × size, into `values`: all rows horizontally, then vertically. Returns the values' mean. */
function resample(image: RgbImage, area: Area, size: number, mirrored: boolean): number {
  const across = triangleFilter(area.left, area.width, image.width, size, mirrored);
  const down = triangleFilter(area.top, area.height, image.height, size, false);
  const firstRow = down.first[0] ?? 0;
  const rows = (down.first[size - 1] ?? 0) + down.taps - firstRow;
  acrossValues = atLeast(acrossValues, rows * size * 3);
  values = atLeast(values, size * size * 3);
  filterRows(image, across, firstRow, rows, size);
  return filterColumns(down, firstRow, size) / (size * size * 3);
}

/** An area of half to all of the picture, aspect 3/4 to 4/3; the whole centre square when ten tries miss. */
function randomArea(image: RgbImage, random: Random): Area {
  for (let attempt = 0; attempt < 10; attempt++) {
    const pixels = image.width * image.height * (0.5 + 0.5 * random());
    const aspect = Math.exp(Math.log(3 / 4) + random() * Math.log(16 / 9));
    const width = Math.sqrt(pixels * aspect);
    const height = Math.sqrt(pixels / aspect);
    if (width <= image.width && height <= image.height) {
      return { left: random() * (image.width - width), top: random() * (image.height - height), width, height };
    }
  }
  const side = Math.min(image.width, image.height);
  return { left: (image.width - side) / 2, top: (image.height - side) / 2, width: side, height: side };
}

export interface AugmentOptions {
  /** Width and height of the result, in pixels. */
  readonly size: number;
  /** Seed it by (seed, step, image): then the result does not depend on how work is scheduled. */
  readonly random: Random;
  /** Brightness and contrast each change by up to this share, e.g. 0.2; none by default. */
  readonly jitter?: number;
}

/**
 * A training view of a decoded image: random resized crop (area 0.5 … 1, aspect 3/4 … 4/3), horizontal flip half of
 * the time, optional brightness and contrast jitter.
 * @returns size × size × 3 values, interleaved RGB
 */
export function augment(image: RgbImage, options: AugmentOptions): Uint8Array {
  const { size, random, jitter = 0 } = options;
  const area = randomArea(image, random);
  const mirrored = random() < 0.5;
  const contrast = 1 + jitter * (2 * random() - 1);
  const brightness = 1 + jitter * (2 * random() - 1);
  const mean = resample(image, area, size, mirrored);
  const result = new Uint8ClampedArray(size * size * 3);
  // (value · contrast + mean − contrast · mean) · brightness
  const [slope, shift] = [contrast * brightness, (mean - contrast * mean) * brightness];
  for (let i = 0; i < result.length; i++) result[i] = (values[i] ?? 0) * slope + shift;
  return new Uint8Array(result.buffer);
}
