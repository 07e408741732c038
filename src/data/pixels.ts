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

/** Resamples an area to size × size: all rows horizontally, then vertically. */
function resample(image: RgbImage, area: Area, size: number, mirrored: boolean): Float32Array {
  const { data, width, height } = image;
  const across = triangleFilter(area.left, area.width, width, size, mirrored);
  const down = triangleFilter(area.top, area.height, height, size, false);
  const firstRow = down.first[0] ?? 0;
  const rows = (down.first[size - 1] ?? 0) + down.taps - firstRow;
  const between = new Float32Array(rows * size * 3);
  for (let y = 0; y < rows; y++) {
    const line = (firstRow + y) * width;
    for (let x = 0; x < size; x++) {
      let [r, g, b] = [0, 0, 0];
      let from = (line + (across.first[x] ?? 0)) * 3;
      for (let t = 0; t < across.taps; t++, from += 3) {
        const weight = across.weights[x * across.taps + t] ?? 0;
        r += weight * (data[from] ?? 0);
        g += weight * (data[from + 1] ?? 0);
        b += weight * (data[from + 2] ?? 0);
      }
      const to = (y * size + x) * 3;
      between[to] = r;
      between[to + 1] = g;
      between[to + 2] = b;
    }
  }
  const stride = size * 3;
  const result = new Float32Array(size * stride);
  for (let y = 0; y < size; y++) {
    for (let t = 0; t < down.taps; t++) {
      const weight = down.weights[y * down.taps + t] ?? 0;
      if (weight === 0) continue;
      const from = ((down.first[y] ?? 0) + t - firstRow) * stride;
      for (let i = 0; i < stride; i++) {
        result[y * stride + i] = (result[y * stride + i] ?? 0) + weight * (between[from + i] ?? 0);
      }
    }
  }
  return result;
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
  const values = resample(image, area, size, mirrored);
  const result = new Uint8ClampedArray(values.length);
  if (jitter === 0) {
    result.set(values);
  } else {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const shift = mean - contrast * mean;
    for (let i = 0; i < values.length; i++) result[i] = ((values[i] ?? 0) * contrast + shift) * brightness;
  }
  return new Uint8Array(result.buffer);
}
