import { describe, expect, it } from 'vitest';
import { goldenImages } from '../../../src/model/bundle/golden.js';
import { goldenCount } from '../../../src/model/bundle/schema.js';
import type { BundleParts } from '../../../src/model/bundle.js';
import { openEncoderSession } from '../../../src/model/encoder-session.js';
import { importEncoder } from '../../../src/model/import/import.js';
import { presets, type ImportOptions } from '../../../src/model/import/options.js';
import { tinyEncoder } from '../tiny-onnx.js';
import * as encoders from './encoders.js';

const { inputSize, dimension, tokens } = encoders;
const clip = presets.get('clip');
const bring = (onnx: Uint8Array, changes: Partial<ImportOptions> = {}): Promise<BundleParts> =>
  importEncoder(onnx, 'encoder.onnx', { ...clip, pooling: 'none', ...changes });

/** What the bundle's graph gives for the golden pictures in one batch. */
async function embed(parts: BundleParts): Promise<number[][]> {
  const session = await openEncoderSession(parts);
  const values = await session.run(goldenImages(parts.inputSize), goldenCount);
  return Array.from({ length: goldenCount }, (_, i) => [
    ...values.subarray(i * parts.dimension, (i + 1) * parts.dimension),
  ]);
}
function expectRows(actual: readonly (readonly number[])[], wanted: readonly (readonly number[])[], digits = 5): void {
  expect(actual.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
  wanted.forEach((row, i) => row.forEach((value, d) => expect(actual[i]?.[d]).toBeCloseTo(value, digits)));
}
const pixels = goldenImages(inputSize);
const wantedFeatures = encoders.expected(pixels, clip, encoders.times(encoders.matrix(dimension)));

describe('importEncoder', () => {
  it.each([
    ['NCHW', encoders.meanColour(), {}, 'nchw', 'whole'],
    ['NHWC, found by its shape', encoders.meanColour({ layout: 'nhwc' }), {}, 'nhwc', 'whole'],
    ['a size that is only told', encoders.meanColour({ side: 'S' }), { inputSize }, 'nchw', 'whole'],
    ['a batch of one that takes more', encoders.meanColour({ batch: 1 }), {}, 'nchw', 'whole'],
    ['opset 9', encoders.withOpset(encoders.meanColour(), 9), {}, 'nchw', 'whole'],
    ['opset 13', encoders.withOpset(encoders.meanColour(), 13), {}, 'nchw', 'whole'],
    ['opset 18', encoders.withOpset(encoders.meanColour(), 18), {}, 'nchw', 'whole'],
    ['opset 21', encoders.withOpset(encoders.meanColour(), 21), {}, 'nchw', 'whole'],
  ] as const)('scales, turns and normalises as plain loops do: %s', async (_, onnx, options, layout, batch) => {
    const parts = await bring(onnx, options);
    expect(parts.imported).toMatchObject({ layout, batch, output: 'features', mean: clip.mean, pooling: 'none' });
    expect([parts.inputSize, parts.dimension, parts.training, parts.dataset]).toEqual([
      inputSize,
      dimension,
      null,
      null,
    ]);
    expectRows(await embed(parts), wantedFeatures);
    expectRows(parts.golden, wantedFeatures);
  });

  it('takes float16', async () => {
    expectRows(await embed(await bring(encoders.half())), wantedFeatures, 2);
  });

  it('takes uint8 as it is, and gives way to values called pixels and embedding', async () => {
    const tiny = tinyEncoder(32, 8);
    const parts = await bring(tiny.onnx, presets.get('raw'));
    const wanted = tiny.expected(goldenImages(32), goldenCount);
    const rows = Array.from({ length: goldenCount }, (_, i) => [...wanted.subarray(8 * i, 8 * (i + 1))]);
    expectRows(await embed(parts), rows);
    expect(parts.imported?.output).toBe('embedding');
    await expect(bring(tiny.onnx)).rejects.toThrow(/takes uint8 pixels/);
  });

  const allTokens = encoders.times(encoders.matrix(tokens * dimension));
  const first = (colours: readonly number[]): number[] => allTokens(colours).slice(0, dimension);
  const average = (colours: readonly number[]): number[] =>
    first(colours).map((_, d) => {
      const all = allTokens(colours);
      return Array.from({ length: tokens }, (__, t) => all[t * dimension + d] ?? NaN).reduce((a, b) => a + b) / tokens;
    });

  it.each([
    ['the first of several tokens', 'cls', 17, first],
    ['the first of several tokens, opset 18', 'cls', 18, first],
    ['their mean', 'mean', 17, average],
    ['their mean, opset 18', 'mean', 18, average],
  ] as const)('pools: %s', async (_, pooling, opset, head) => {
    const parts = await bring(encoders.withOpset(encoders.tokenEncoder(), opset), { pooling });
    expectRows(await embed(parts), encoders.expected(pixels, clip, head));
  });

  it.each(['nchw', 'nhwc'] as const)('pools a feature map over its positions: %s', async (layout) => {
    const parts = await bring(encoders.featureMap(layout), { pooling: 'mean' });
    expectRows(
      await embed(parts),
      encoders.expected(pixels, clip, (colours) => colours),
    );
  });

  it.each([
    ['that fails with a batch', 9],
    ['that fails with a batch, opset 18', 18],
  ])('runs a graph %s one picture after the other', async (_, opset) => {
    const parts = await bring(encoders.withOpset(encoders.tokenEncoder(1), opset), { pooling: 'cls' });
    expect(parts.imported?.batch).toBe('one by one');
    expectRows(await embed(parts), encoders.expected(pixels, clip, first));
  });

  it('notices a batch that is mixed up, and runs it one by one', async () => {
    const parts = await bring(encoders.mixing());
    expect(parts.imported?.batch).toBe('one by one');
    // Alone, the mean over the batch is the picture itself: twice the features, the same direction.
    expectRows(await embed(parts), wantedFeatures);
  });

  it('takes the value that is called an embedding, one that is named, and one inside the graph', async () => {
    const two = encoders.withSecondOutput('image_embeds');
    const negative = wantedFeatures.map((row) => row.map((value) => -value));
    expectRows(await embed(await bring(two)), negative);
    expectRows(await embed(await bring(two, { output: 'features' })), wantedFeatures);
    const inner = encoders.changed(two, (_, graph) => (graph.output = graph.output?.slice(1) ?? []));
    expectRows(await embed(await bring(inner, { output: 'features' })), wantedFeatures);
  });
});

const { changed, meanColour, withOpset } = encoders;
const twoInputs = changed(meanColour(), (_, graph) => graph.input?.push({ ...graph.input[0], name: 'text' }));
const flat = changed(meanColour(), (_, graph) => {
  const shape = graph.input?.[0]?.type?.tensorType?.shape;
  if (shape) shape.dim = [{ dimParam: 'N' }, { dimValue: 1200 }];
});
const external = changed(meanColour(), (_, graph) => {
  const [weights] = graph.initializer ?? [];
  if (weights)
    Object.assign(weights, { dataLocation: 1, externalData: [{ key: 'location', value: 'model.onnx.data' }] });
});
const doubles = changed(meanColour(), (_, graph) => {
  const type = graph.input?.[0]?.type?.tensorType;
  if (type) type.elemType = 11;
});
const notSquare = changed(meanColour(), (_, graph) => {
  const side = graph.input?.[0]?.type?.tensorType?.shape?.dim?.[3];
  if (side) side.dimValue = 24;
});
const grey = changed(meanColour(), (_, graph) => {
  const side = graph.input?.[0]?.type?.tensorType?.shape?.dim?.[1];
  if (side) side.dimValue = 1;
});
/** The matrix times 0, so that nothing is left of any picture. */
const zero = changed(meanColour(), (_, graph) => {
  const [weights] = graph.initializer ?? [];
  if (weights) weights.rawData = new Uint8Array(weights.rawData?.length ?? 0);
});
const unknownNode = changed(meanColour(), (_, graph) => {
  const [node] = graph.node ?? [];
  if (node) node.opType = 'NoSuchOperator';
});

describe('importEncoder refuses', () => {
  it.each<[string, Uint8Array, Partial<ImportOptions>, RegExp]>([
    ['garbage', new TextEncoder().encode('not a model at all'), {}, /encoder\.onnx is no ONNX model/],
    ['nothing', new Uint8Array(0), {}, /it holds no graph/],
    ['half a file', meanColour().slice(0, 150), {}, /no ONNX model|cannot run/],
    ['weights in another file', external, {}, /keeps weights in another file \("model\.onnx\.data"\)/],
    ['two inputs', twoInputs, {}, /takes 2 inputs: "image" \[N, 3, 20, 20\], "text" \[N, 3, 20, 20\]/],
    ['a flat input', flat, {}, /"image" \[N, 1200\] of encoder\.onnx has 2 dimensions/],
    ['double precision', doubles, {}, /of type DOUBLE/],
    ['pictures that are not square', notSquare, {}, /is not square/],
    ['grey pictures', grey, {}, /does not take three colours/],
    ['the wrong layout', meanColour(), { layout: 'nhwc' }, /does not take three colours as NHWC/],
    ['another size', meanColour(), { inputSize: 224 }, /takes pictures of 20 px, not of 224/],
    ['an unknown size', meanColour({ side: 'S' }), {}, /does not say how large/],
    ['opset 8', withOpset(meanColour(), 8), {}, /has opset 8/],
    ['an unknown operator', unknownNode, {}, /ONNX Runtime cannot run encoder\.onnx/],
    ['an unknown output', meanColour(), { output: 'nothing' }, /no value "nothing"/],
    ['a choice of outputs', encoders.withSecondOutput('other'), {}, /2 outputs: "features" \[N, 6\], "other" \[N, 6\]/],
    ['tokens without pooling', encoders.tokenEncoder(), {}, /\[1, 4, 6\] for one picture: 4 vectors of 6/],
    ['a map without pooling', encoders.featureMap('nchw'), {}, /400 vectors of 3/],
    ['the first token of a map', encoders.featureMap('nchw'), { pooling: 'cls' }, /no first token/],
    ['pooling of one vector', meanColour(), { pooling: 'mean' }, /nothing to pool/],
    ['embeddings of zeros', zero, {}, /all zero/],
    [
      'one embedding for all',
      encoders.withSecondOutput('embedding', 'Sign'),
      { mean: [-9, -9, -9] },
      /three different pictures the same/,
    ],
    ['values that are no numbers', encoders.withSecondOutput('embedding', 'Log'), {}, /not finite/],
  ])('%s', async (_, onnx, options, message) => {
    const attempt = bring(onnx, options);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toMatchObject({ code: 'import-unsupported' });
  });
});
