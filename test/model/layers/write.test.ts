import { expect, test } from 'vitest';
import { loadNsfwjs } from '../../../src/learn/backbones/nsfwjs.js';
import { withHead } from '../../../src/learn/head.js';
import { readLayersModel } from '../../../src/model/layers/read.js';
import { writeLayersModel } from '../../../src/model/layers/write.js';
import { trainable } from '../../learn/engines/cases.js';
import { naiveForward, relativeDifference } from '../naive.js';
import { networkBuilder, randomValues } from '../networks.js';

const pictures = trainable.filter(({ network }) => network.inputShape.length === 3);

test.each(pictures)('comes back computing the same: $title', ({ network }) => {
  const { json, weights } = writeLayersModel(network);
  const back = readLayersModel(JSON.parse(json), weights, { inputSize: 7 });
  const input = randomValues(2 * 7 * 7 * 3, 'input');
  const square = { ...network, inputShape: [7, 7, 3] };
  expect(relativeDifference(naiveForward(back, input, 2), naiveForward(square, input, 2))).toBeLessThan(1e-6);
});

test('a backbone with batch normalisation folded and a head comes back node by node', async () => {
  const network = withHead((await loadNsfwjs({ cut: 'block_2_add' })).network(32), 4, 1);
  const { json, weights } = writeLayersModel(network);
  const back = readLayersModel(JSON.parse(json), weights, { inputSize: 32 });
  expect(back.nodes.map(({ op }) => op)).toEqual(network.nodes.map(({ op }) => op));
  const input = randomValues(32 * 32 * 3, 'input');
  expect(relativeDifference(naiveForward(back, input, 1), naiveForward(network, input, 1))).toBeLessThan(1e-6);
});

test('a pooled network comes back, too', () => {
  const builder = networkBuilder([8, 8, 3]);
  builder.pool('average-pool', builder.pool('max-pool', builder.conv('input', 4), { size: [3, 3], padding: 'same' }));
  const network = builder.finishWithHead();
  const { json, weights } = writeLayersModel(network);
  const back = readLayersModel(JSON.parse(json), weights, { inputSize: 8 });
  const input = randomValues(8 * 8 * 3, 'input');
  expect(relativeDifference(naiveForward(back, input, 1), naiveForward(network, input, 1))).toBeLessThan(1e-6);
});
