import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import type { Network } from '../../../src/model/graph.js';
import { exportEncoder, exportStem } from '../../../src/model/onnx/export.js';
import { pixelScales } from '../../../src/model/layers/read.js';
import { splitBefore } from '../../../src/model/surgery.js';
import { createRandom } from '../../../src/core/random.js';
import { trainable } from '../../learn/engines/cases.js';
import { naiveForward, relativeDifference } from '../naive.js';
import { networkBuilder, toPlanes } from '../networks.js';

const scale = pixelScales['minus-one-to-one'] ?? { multiply: NaN, add: NaN };
const count = 3;

function picturesFor({ inputShape }: Network): { pixels: Uint8Array; scaled: number[] } {
  const random = createRandom('pixels');
  const length = count * inputShape.reduce((product, side) => product * side, 1);
  const pixels = Uint8Array.from({ length }, () => Math.floor(random() * 256));
  return { pixels, scaled: [...pixels].map((value) => value / 127.5 - 1) };
}

async function run(
  onnx: Uint8Array,
  network: Network,
  output: string,
): Promise<{ dims: readonly number[]; data: Float32Array }> {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const { pixels } = picturesFor(network);
    const results = await session.run({ pixels: new Tensor('uint8', pixels, [count, ...network.inputShape]) });
    const found = results[output];
    if (!(found?.data instanceof Float32Array)) throw new Error(`no ${output}`);
    return { dims: found.dims, data: Float32Array.from(found.data) };
  } finally {
    await session.release();
  }
}

function unitRows(values: readonly number[], dimension: number): number[] {
  return values.map((value, i) => {
    const start = i - (i % dimension);
    return value / Math.hypot(...values.slice(start, start + dimension));
  });
}

describe('an exported encoder', () => {
  test.each(trainable.filter(({ network }) => network.inputShape.length === 3))(
    'scales pixels, computes and normalises: $title',
    async ({ network }) => {
      const { dims, data } = await run(exportEncoder(network, scale), network, 'embedding');
      const expected = unitRows(naiveForward(network, picturesFor(network).scaled, count), 3);
      expect(dims).toEqual([count, 3]);
      expect(relativeDifference(data, expected)).toBeLessThan(1e-4);
    },
  );

  test.each(['same', 'valid'] as const)('pools as TF does, padded %s', async (padding) => {
    const builder = networkBuilder([7, 6, 3]);
    const window = { size: [3, 3], strides: [2, 2], padding } as const;
    builder.pool(
      'average-pool',
      builder.pool('max-pool', builder.conv('input', 4), { ...window, strides: [1, 1] }),
      window,
    );
    const network = builder.finishWithHead();
    const { data } = await run(exportEncoder(network, scale), network, 'embedding');
    expect(
      relativeDifference(data, unitRows(naiveForward(network, picturesFor(network).scaled, count), 3)),
    ).toBeLessThan(1e-4);
  });
});

describe('an exported stem', () => {
  const builder = networkBuilder([7, 6, 3]);
  builder.conv(builder.depthwise(builder.conv('input', 4, { activation: 'relu6' }), { strides: [2, 2] }), 5);
  const whole = builder.finishWithHead();

  test.each(['conv_0', 'depthwise_1', 'conv_2'])('before %s gives its activations in either layout', async (layer) => {
    const { stem, rest } = splitBefore(whole, layer);
    const scaled = picturesFor(stem).scaled;
    const expected = stem.nodes.length === 0 ? scaled : naiveForward(stem, scaled, count);
    const [height, width, channels] = rest.inputShape;
    const last = await run(exportStem(stem, scale, 'nhwc'), stem, 'activations');
    expect(last.dims).toEqual([count, height, width, channels]);
    expect(relativeDifference(last.data, expected)).toBeLessThan(1e-5);
    const first = await run(exportStem(stem, scale, 'nchw'), stem, 'activations');
    expect(first.dims).toEqual([count, channels, height, width]);
    expect(first.data).toEqual(toPlanes(last.data, rest.inputShape));
  });

  test.each(['nchw', 'nhwc'] as const)('may end in pooled vectors (%s)', async (layout) => {
    const { stem } = splitBefore(whole, whole.output);
    const { dims, data } = await run(exportStem(stem, scale, layout), stem, 'activations');
    expect(dims).toEqual([count, 5]);
    expect(relativeDifference(data, naiveForward(stem, picturesFor(stem).scaled, count))).toBeLessThan(1e-5);
  });
});
