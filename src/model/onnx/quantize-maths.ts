import { KindredError } from '../../core/errors.js';
import type { PixelScale } from '../graph.js';

/** real = scale · (level − zeroPoint), level a whole number in 0 … 255. */
export interface ActivationScale {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Smallest and largest value that an activation is to hold. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** One float32 scale a channel: real = scale[channel] · level, level in −127 … 127. */
export interface ChannelWeights {
  readonly levels: Int8Array;
  readonly scales: Float32Array;
}

/** Keeps scales away from zero, where a channel or an activation is zero throughout. */
const smallest = 1e-8;

/**
 * Symmetric int8 weights with a scale for every output channel, so that one channel's large weights do not cost the
 * others their precision. −128 is left out: with it the levels would not be symmetric.
 * @param kernel `channels` times as many values as a channel has, channel by channel (ONNX's [out, in, kh, kw])
 */
export function quantizeChannels(kernel: Float32Array, channels: number): ChannelWeights {
  const size = kernel.length / channels;
  const levels = new Int8Array(kernel.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const values = kernel.subarray(channel * size, (channel + 1) * size);
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), smallest);
    const scale = Math.fround(most / 127);
    scales[channel] = scale;
    for (let i = 0; i < size; i++) {
      levels[channel * size + i] = Math.max(-127, Math.min(127, Math.round((values[i] ?? 0) / scale)));
    }
  }
  return { levels, scales };
}

/** int32 biases in units of the products they are added to: inputScale · weightScales[channel]. */
export function quantizeBias(bias: Float32Array, inputScale: number, weightScales: Float32Array): Int32Array {
  return Int32Array.from(bias, (value, channel) => {
    const level = Math.round(value / (inputScale * (weightScales[channel] ?? smallest)));
    return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, level));
  });
}

/**
 * The uint8 scale of a range, widened to hold 0, which must be a level of its own because borders are padded with it.
 * @throws KindredError internal when the range is not finite
 */
export function activationScale({ low, high }: Range): ActivationScale {
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw new KindredError('internal', `an activation's range is ${low} … ${high}`);
  }
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  const scale = Math.fround(Math.max(to - from, smallest) / 255);
  return { scale, zeroPoint: Math.max(0, Math.min(255, Math.round(-from / scale))) };
}

/**
 * Pixels are uint8 already: what level stands for 0, and what the network's input is more than scale · (pixel − level),
 * where 0 lies between two levels.
 */
export function pixelLevels({ multiply, add }: PixelScale): ActivationScale & { readonly rest: number } {
  const scale = Math.fround(multiply);
  const zeroPoint = Math.max(0, Math.min(255, Math.round(-add / multiply)));
  return { scale, zeroPoint, rest: add + zeroPoint * multiply };
}
