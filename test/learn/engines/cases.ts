import type { Network } from '../../../src/model/graph.js';
import { networkBuilder, type NetworkBuilder, type WindowOptions } from '../../model/networks.js';

export interface EngineCase {
  readonly title: string;
  readonly network: Network;
}

/** A 1×1 convolution first, so that what comes next must hand a gradient on; sides that differ, so that none is mixed up. */
function behindConv(title: string, add: (builder: NetworkBuilder, input: string) => void): EngineCase {
  const builder = networkBuilder([7, 6, 3]);
  add(builder, builder.conv('input', 4, { activation: 'relu6' }));
  return { title, network: builder.finishWithHead() };
}

/** Channels enough for the blocked depthwise kernels of ONNX Runtime. */
function behindWideConv(title: string, sides: readonly [number, number], options: WindowOptions): EngineCase {
  const builder = networkBuilder([...sides, 3]);
  const wide = builder.conv('input', 32, { activation: 'relu6' });
  builder.conv(builder.depthwise(wide, options), 4);
  return { title: `32 channels, depthwise ${title}`, network: builder.finishWithHead() };
}

function vectorNetwork(): Network {
  const builder = networkBuilder([5]);
  builder.dense(builder.dense('input', 6, 'relu'), 3);
  return builder.finish();
}

function concatenatedPools(): Network {
  const builder = networkBuilder([4, 5, 3]);
  const picture = builder.conv('input', 4);
  const pools = [builder.plain('global-average-pool', picture), builder.plain('global-max-pool', picture)];
  builder.dense(builder.plain('concat', ...pools), 3);
  return builder.finish();
}

/** Together: every node that can be trained, in every form that differs for a gradient. */
export const trainable: readonly EngineCase[] = [
  behindConv('conv 1×1', (b, x) => b.conv(x, 5, { activation: 'relu' })),
  behindConv('conv 1×1 without a bias', (b, x) => b.conv(x, 5, { bias: false })),
  behindConv('conv 1×1, stride 2', (b, x) => b.conv(x, 5, { strides: [2, 2] })),
  behindConv('conv 3×3, same', (b, x) => b.conv(x, 5, { size: [3, 3], activation: 'relu6' })),
  behindConv('conv 3×3, valid', (b, x) => b.conv(x, 5, { size: [3, 3], padding: 'valid' })),
  behindConv('conv 3×3, stride 2, same', (b, x) => b.conv(x, 5, { size: [3, 3], strides: [2, 2] })),
  behindConv('conv 3×3, stride 2, valid', (b, x) =>
    b.conv(x, 5, { size: [3, 3], strides: [2, 2], padding: 'valid', activation: 'relu6' }),
  ),
  behindConv('conv 3×2, stride 2×1, same', (b, x) => b.conv(x, 5, { size: [3, 2], strides: [2, 1] })),
  behindConv('conv 3×3, stride 3, valid', (b, x) => b.conv(x, 5, { size: [3, 3], strides: [3, 3], padding: 'valid' })),
  behindConv('depthwise, same', (b, x) => b.depthwise(x, { activation: 'relu6' })),
  behindConv('depthwise, valid', (b, x) => b.depthwise(x, { padding: 'valid', activation: 'relu' })),
  behindConv('depthwise, stride 2, same', (b, x) => b.depthwise(x, { strides: [2, 2], bias: false })),
  behindConv('depthwise, stride 2, valid', (b, x) => b.depthwise(x, { strides: [2, 2], padding: 'valid' })),
  behindConv('depthwise, stride 2, explicit padding', (b, x) => {
    const padded = b.pad(x, [
      [0, 1],
      [0, 1],
    ]);
    b.depthwise(padded, { strides: [2, 2], padding: 'valid', activation: 'relu6' });
  }),
  behindConv('uneven padding', (b, x) =>
    b.pad(x, [
      [1, 2],
      [3, 0],
    ]),
  ),
  behindConv('depthwise, multiplier 2', (b, x) => b.depthwise(x, { multiplier: 2, activation: 'relu6' })),
  behindConv('add with a shortcut', (b, x) => b.plain('add', x, b.conv(b.conv(x, 6, { activation: 'relu6' }), 4))),
  behindConv('add of three', (b, x) => b.plain('add', x, b.conv(x, 4), b.depthwise(x))),
  behindConv('concat of three', (b, x) => b.plain('concat', b.conv(x, 2), x, b.depthwise(x, { activation: 'relu' }))),
  behindConv('relu after an add', (b, x) => b.activation(b.plain('add', x, b.conv(x, 4)), 'relu')),
  behindConv('relu6 after an add', (b, x) => b.activation(b.plain('add', x, b.conv(x, 4)), 'relu6')),
  behindWideConv('same', [5, 4], { activation: 'relu6' }),
  behindWideConv('valid', [5, 4], { padding: 'valid', bias: false }),
  behindWideConv('stride 2, same, odd sides', [7, 5], { strides: [2, 2], activation: 'relu' }),
  behindWideConv('stride 2, same, even sides', [6, 8], { strides: [2, 2], activation: 'relu6' }),
  behindWideConv('stride 2, valid, odd sides', [7, 5], { strides: [2, 2], padding: 'valid' }),
  behindWideConv('stride 2, valid, even sides', [8, 6], { strides: [2, 2], padding: 'valid', activation: 'relu6' }),
  behindWideConv('stride 2×1, same', [6, 5], { strides: [2, 1] }),
  behindWideConv('3×2, stride 3, same', [7, 8], { size: [3, 2], strides: [3, 3], activation: 'relu6' }),
  behindWideConv('1×1, stride 2', [5, 6], { size: [1, 1], strides: [2, 2] }),
  { title: 'a head alone, on vectors', network: vectorNetwork() },
  { title: 'pooled vectors side by side', network: concatenatedPools() },
];
