import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it, test } from 'vitest';
import { createRandom } from '../../../src/core/random.js';
import type { Network } from '../../../src/model/graph.js';
import { pixelScales } from '../../../src/model/layers/read.js';
import { exportEncoder } from '../../../src/model/onnx/export.js';
import { calibratedNodes, combineRanges, exportCalibration } from '../../../src/model/onnx/quantize-calibrate.js';
import { exportQuantizedEncoder } from '../../../src/model/onnx/quantize-graph.js';
import {
  activationScale,
  pixelLevels,
  quantizeBias,
  quantizeChannels,
} from '../../../src/model/onnx/quantize-maths.js';
import { parameter } from '../../../src/model/shapes.js';
import { naiveForward } from '../naive.js';
import { networkBuilder } from '../networks.js';

const scale = pixelScales['minus-one-to-one'] ?? { multiply: NaN, add: NaN };
const count = 6;

function pixelsFor({ inputShape }: Network): Uint8Array {
  const random = createRandom('quantize');
  const length = count * inputShape.reduce((product, side) => product * side, 1);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

async function run(onnx: Uint8Array, network: Network, pixels = pixelsFor(network)): Promise<Float32Array> {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const results = await session.run({ pixels: new Tensor('uint8', pixels, [count, ...network.inputShape]) });
    const data = results['embedding']?.data;
    if (!(data instanceof Float32Array)) throw new Error('no embedding');
    return Float32Array.from(data);
  } finally {
    await session.release();
  }
}

async function calibrated(network: Network) {
  return combineRanges(calibratedNodes(network), await run(exportCalibration(network, scale), network));
}

const finite = fc.float({ noNaN: true, min: -100, max: 100 });

describe('the quantiser', () => {
  it('keeps every weight within half a level of its channel’s scale, whatever the other channels hold', () => {
    const channels = fc.array(fc.array(finite, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(channels, (rows) => {
        const kernel = Float32Array.from(rows.flat());
        const { levels, scales } = quantizeChannels(kernel, rows.length);
        rows.forEach((row, channel) => {
          const step = scales[channel] ?? NaN;
          expect(step).toBeCloseTo(Math.max(1e-8, ...row.map(Math.abs)) / 127, 6);
          row.forEach((value, i) => {
            const level = levels[channel * 6 + i] ?? NaN;
            expect(Math.abs(level)).toBeLessThanOrEqual(127);
            expect(Math.abs(level * step - value)).toBeLessThanOrEqual(step * 0.501);
          });
        });
      }),
    );
  });

  it('holds 0 exactly and every value of a range within one level', () => {
    fc.assert(
      fc.property(finite, finite, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const { scale: step, zeroPoint } = activationScale({ low, high });
        const restored = (value: number): number =>
          step * (Math.max(0, Math.min(255, Math.round(value / step) + zeroPoint)) - zeroPoint);
        expect(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255).toBe(true);
        expect(restored(0) === 0).toBe(true);
        const value = low + share * (high - low);
        expect(Math.abs(restored(value) - value)).toBeLessThanOrEqual(step * 1.001 + 1e-6);
      }),
    );
  });

  it('refuses a range that is not finite', () => {
    expect(() => activationScale({ low: -Infinity, high: 1 })).toThrow(/range/);
    expect(() => activationScale({ low: 0, high: NaN })).toThrow(/range/);
  });

  it('writes biases in units of the products', () => {
    // 1.5 / (0.5 · 0.25) = 12, −1 / (0.5 · 2) = −1, and what does not fit saturates
    const bias = quantizeBias(Float32Array.of(1.5, -1, 1e12), 0.5, Float32Array.of(0.25, 2, 1));
    expect([...bias]).toEqual([12, -1, 2 ** 31 - 1]);
  });

  test.each(Object.entries(pixelScales))('reads pixels as they are: %s', (_, pixelScale) => {
    const { scale: step, zeroPoint, rest } = pixelLevels(pixelScale);
    for (let pixel = 0; pixel < 256; pixel++) {
      const scaled = pixel * pixelScale.multiply + pixelScale.add;
      expect(step * (pixel - zeroPoint) + rest).toBeCloseTo(scaled, 5);
    }
  });
});

describe('calibration', () => {
  it('finds the smallest and largest value of every node, as plain loops do', async () => {
    const builder = networkBuilder([6, 6, 3]);
    builder.depthwise(builder.conv('input', 4, { size: [3, 3], activation: 'relu6' }));
    const network = builder.finishWithHead(3);
    const ranges = await calibrated(network);
    const scaled = [...pixelsFor(network)].map((value) => value * scale.multiply + scale.add);
    expect([...ranges.keys()]).toEqual(network.nodes.slice(0, 2).map(({ name }) => name));
    network.nodes.slice(0, 2).forEach(({ name }, index) => {
      const part = { ...network, nodes: network.nodes.slice(0, index + 1), output: name };
      const values = naiveForward(part, scaled, count);
      expect(ranges.get(name)?.low).toBeCloseTo(Math.min(...values), 4);
      expect(ranges.get(name)?.high).toBeCloseTo(Math.max(...values), 4);
    });
  });

  it('takes the widest range over pictures', () => {
    // two pictures of two nodes: low, high
    const found = Float32Array.of(-1, 2, 0, 5, -3, 1, 0.5, 9);
    expect(combineRanges(['a', 'b'], found)).toEqual(
      new Map([
        ['a', { low: -3, high: 2 }],
        ['b', { low: 0, high: 9 }],
      ]),
    );
  });
});

describe('an encoder with int8 convolutions', () => {
  it('computes what whole-number loops compute', async () => {
    const builder = networkBuilder([4, 4, 3], 5);
    builder.plain('global-average-pool', builder.conv('input', 4, { activation: 'relu' }));
    const network = builder.finish();
    const ranges = await calibrated(network);
    const [node] = network.nodes;
    if (node?.op !== 'conv2d' || node.bias === null) throw new Error('no convolution');
    const kernel = parameter(network, node.kernel).data; // [1, 1, 3, 4]
    const bias = parameter(network, node.bias).data;
    const out = activationScale({ low: 0, high: ranges.get(node.name)?.high ?? NaN });
    const pixels = pixelsFor(network);
    const expected = Array.from({ length: count * 4 }, () => 0);
    for (let picture = 0; picture < count; picture++) {
      for (let channel = 0; channel < 4; channel++) {
        const weights = [0, 1, 2].map((i) => kernel[i * 4 + channel] ?? NaN);
        const step = Math.max(...weights.map(Math.abs)) / 127;
        const levels = weights.map((weight) => Math.round(weight / step));
        const rest = (0.5 / 127.5) * weights.reduce((sum, weight) => sum + weight, 0);
        const units = step / 127.5;
        for (let position = 0; position < 16; position++) {
          let sum = Math.round(((bias[channel] ?? NaN) + rest) / units);
          levels.forEach((level, i) => (sum += level * ((pixels[(picture * 16 + position) * 3 + i] ?? NaN) - 128)));
          const level = Math.max(0, Math.min(255, Math.round((sum * units) / out.scale)));
          expected[picture * 4 + channel] = (expected[picture * 4 + channel] ?? 0) + (level * out.scale) / 16;
        }
      }
    }
    const found = await run(exportQuantizedEncoder(network, scale, ranges), network);
    expected.forEach((value, i) => {
      const start = i - (i % 4);
      expect(found[i]).toBeCloseTo(value / Math.hypot(...expected.slice(start, start + 4)), 3);
    });
  });

  const architectures: Readonly<Record<string, () => Network>> = {
    'as MobileNetV1: strides, depthwise, ReLU6': () => {
      const builder = networkBuilder([16, 16, 3], 2);
      const stem = builder.conv('input', 8, { size: [3, 3], strides: [2, 2], activation: 'relu6' });
      builder.conv(builder.depthwise(stem, { activation: 'relu6' }), 12, { activation: 'relu6' });
      return builder.finishWithHead(8);
    },
    'as MobileNetV2: zeros around, residuals': () => {
      const builder = networkBuilder([16, 16, 3], 3);
      const border = builder.pad('input', [[0, 1], [0, 1]]); // prettier-ignore
      const stem = builder.conv(border, 8, { size: [3, 3], strides: [2, 2], padding: 'valid', activation: 'relu6' });
      const middle = builder.pad(stem, [[1, 1], [1, 1]]); // prettier-ignore
      const spread = builder.depthwise(middle, { padding: 'valid', activation: 'relu6' });
      builder.plain('add', builder.conv(spread, 8), stem);
      return builder.finishWithHead(8);
    },
    'other operations between': () => {
      const builder = networkBuilder([12, 12, 3], 4);
      // Behind a ReLU, as in every network: ONNX Runtime pools over an explicit border of zeros as if it were not there.
      const positive = builder.conv('input', 3, { activation: 'relu' });
      const border = builder.pad(positive, [[1, 1], [1, 1]]); // prettier-ignore
      const pooled = builder.pool('max-pool', border, { size: [2, 2], strides: [2, 2], padding: 'valid' });
      const wide = builder.depthwise(pooled, { multiplier: 2, bias: false });
      builder.activation(builder.plain('concat', wide, builder.conv(pooled, 4)), 'relu');
      return builder.finishWithHead(8);
    },
  };
  test.each(Object.entries(architectures))('agrees with the float network: %s', async (_, make) => {
    const network = make();
    const dimension = 8;
    const float = await run(exportEncoder(network, scale), network);
    const found = await run(exportQuantizedEncoder(network, scale, await calibrated(network)), network);
    for (let picture = 0; picture < count; picture++) {
      const [from, to] = [picture * dimension, (picture + 1) * dimension];
      const cosine = found.subarray(from, to).reduce((sum, value, i) => sum + value * (float[from + i] ?? NaN), 0);
      expect(cosine).toBeGreaterThan(0.9985);
    }
  });

  it('gives a picture the same embedding in any company', async () => {
    const network = architectures['as MobileNetV1: strides, depthwise, ReLU6']?.();
    if (!network) throw new Error('no such network');
    const onnx = exportQuantizedEncoder(network, scale, await calibrated(network));
    const pixels = pixelsFor(network);
    const first = pixels.subarray(0, pixels.length / count);
    const alike = await run(
      onnx,
      network,
      Uint8Array.from({ length: pixels.length }, (_, i) => first[i % first.length] ?? 0),
    );
    expect(alike.subarray(0, 8)).toEqual((await run(onnx, network)).subarray(0, 8));
  });

  it('refuses a node that was not calibrated', () => {
    const builder = networkBuilder([4, 4, 3]);
    builder.plain('global-average-pool', builder.conv('input', 4));
    expect(() => exportQuantizedEncoder(builder.finish(), scale, new Map())).toThrow(/not calibrated/);
  });
});
