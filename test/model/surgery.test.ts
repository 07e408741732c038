import { describe, expect, test } from 'vitest';
import { KindredError } from '../../src/core/errors.js';
import { loadNsfwjs } from '../../src/learn/backbones/nsfwjs.js';
import type { Network } from '../../src/model/graph.js';
import { inferShapes } from '../../src/model/shapes.js';
import { append, findNode, join, splitBefore, upTo } from '../../src/model/surgery.js';
import { naiveForward, relativeDifference } from './naive.js';
import { networkBuilder, randomValues } from './networks.js';

function thrown(action: () => unknown): KindredError {
  try {
    action();
  } catch (error) {
    if (error instanceof KindredError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** conv_0 → conv_1 → depthwise_2 → conv_3, added to conv_0 in add_4, → conv_5 → pools → dense. */
function residual(): Network {
  const builder = networkBuilder([6, 6, 3]);
  const first = builder.conv('input', 4, { activation: 'relu6' });
  const inner = builder.conv(builder.depthwise(builder.conv(first, 8, { activation: 'relu6' })), 4);
  builder.conv(builder.plain('add', first, inner), 5);
  return builder.finishWithHead();
}
const input = randomValues(2 * 108, 'input');

describe('splitting before a layer', () => {
  const layers = ['conv_0', 'conv_1', 'conv_5', 'global-average-pool_6', 'dense_9'];

  test.each(layers)('%s and joining again computes the same', (layer) => {
    const network = residual();
    const { stem, rest } = splitBefore(network, layer);
    expect(rest.nodes[0]?.name).toBe(layer);
    expect([...stem.parameters.keys(), ...rest.parameters.keys()]).toEqual([...network.parameters.keys()]);
    expect(inferShapes(stem).get(stem.output)).toEqual(rest.inputShape);
    const middle = stem.nodes.length === 0 ? input : naiveForward(stem, input, 2);
    const expected = naiveForward(network, input, 2);
    expect(naiveForward(rest, middle, 2)).toEqual(expected);
    expect(naiveForward(join(stem, rest), input, 2)).toEqual(expected);
  });

  test.each(['depthwise_2', 'conv_3', 'add_4'])(
    '%s, which a shortcut passes by, names the nearest place before',
    (layer) => {
      const error = thrown(() => splitBefore(residual(), layer));
      expect(error).toMatchObject({ code: 'invalid-option', field: '--train-from' });
      expect(error.message).toContain(layer);
      const suggested = /--train-from (\S+)\.$/.exec(error.hint ?? '')?.[1] ?? '';
      expect(suggested).toBe('conv_1');
      expect(() => splitBefore(residual(), suggested)).not.toThrow();
    },
  );

  test('a layer that does not exist names the closest', () => {
    const error = thrown(() => splitBefore(residual(), 'depthwis_2'));
    expect(error).toMatchObject({ code: 'unknown-name', field: '--train-from' });
    expect(error.message).toContain('did you mean "depthwise_2"?');
    expect(error.hint).toContain('conv_0');
  });

  test('every place that the error for a layer of MobileNetV2 names is one', async () => {
    const network = (await loadNsfwjs({})).network(32);
    let refused = 0;
    for (const layer of network.nodes.flatMap(({ layers }) => layers)) {
      try {
        splitBefore(network, layer);
      } catch (error) {
        refused++;
        const hint = error instanceof KindredError ? (error.hint ?? '') : '';
        expect(() => splitBefore(network, /--train-from (\S+)\.$/.exec(hint)?.[1] ?? ''), layer).not.toThrow();
      }
    }
    expect(refused).toBeGreaterThan(10);
  });
});

test('a fused activation is found by the name of any of its layers', async () => {
  const network = (await loadNsfwjs({})).network(32);
  const node = findNode(network, 'block_13_expand_relu');
  expect(findNode(network, 'block_13_expand')).toBe(node);
  expect(node.layers.at(-1)).toBe(node.name);
});

test('upTo keeps what an output needs', () => {
  const network = upTo(residual(), 'conv_1');
  expect(network.nodes.map(({ name }) => name)).toEqual(['conv_0', 'conv_1']);
  expect([...network.parameters.keys()]).toEqual(['conv_0/kernel', 'conv_0/bias', 'conv_1/kernel', 'conv_1/bias']);
});

test('append adds nodes behind the output', () => {
  const network = residual();
  const longer = append(
    network,
    [{ op: 'l2-normalize', name: 'unit', inputs: [network.output], layers: ['unit'] }],
    [],
  );
  const values = naiveForward(longer, input, 2);
  const before = naiveForward(network, input, 2);
  const length = Math.hypot(...before.slice(0, 3));
  expect(
    relativeDifference(
      values.slice(0, 3),
      before.slice(0, 3).map((value) => value / length),
    ),
  ).toBeLessThan(1e-9);
});

test('a picture too small for the network is refused, and so is a node before its input', () => {
  const builder = networkBuilder([4, 4, 3]);
  builder.conv(builder.conv('input', 2, { size: [3, 3], padding: 'valid' }), 2, { size: [3, 3], padding: 'valid' });
  expect(thrown(() => inferShapes(builder.finish()))).toMatchObject({ code: 'input-size-unsupported' });
  const network = residual();
  expect(thrown(() => inferShapes({ ...network, nodes: network.nodes.toReversed() })).message).toContain(
    'does not come before',
  );
});
