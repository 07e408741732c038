import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadBackbone } from '../../../src/learn/backbones/registry.js';
import { inferShapes } from '../../../src/model/shapes.js';
import { writeLayersModel } from '../../../src/model/layers/write.js';
import { failure, temporaryFolder } from '../../data/helpers.js';
import { networkBuilder } from '../../model/networks.js';

/** A small layers model on disk: conv_0 → conv_1 → pooled → dense. */
async function savedModel(): Promise<string> {
  const folder = join(await temporaryFolder(), 'backbone');
  const builder = networkBuilder([32, 32, 3]);
  builder.conv(builder.conv('input', 4, { activation: 'relu' }), 6, { strides: [2, 2] });
  const { json, weights } = writeLayersModel(builder.finishWithHead());
  await mkdir(folder);
  await writeFile(join(folder, 'model.json'), json);
  await writeFile(join(folder, 'weights.bin'), weights);
  return folder;
}

describe('a backbone by its path', () => {
  test.each(['', 'model.json'])('a folder or its file (%j), cut and scaled as told', async (name) => {
    const path = join(await savedModel(), name);
    const backbone = await loadBackbone(path, { cut: 'conv_1', scale: 'minus-one-to-one' });
    expect(backbone).toMatchObject({ name: path, cut: 'conv_1', scale: { multiply: 1 / 127.5, add: -1 } });
    const network = backbone.network(64);
    expect(inferShapes(network).get(network.output)).toEqual([32, 32, 6]);
  });

  test('needs a known scale, and an output that is a feature map', async () => {
    const path = await savedModel();
    const missing = await failure(loadBackbone(path, { cut: 'conv_1' }));
    expect(missing).toMatchObject({ code: 'invalid-option', field: '--backbone-scale' });
    expect(missing.hint).toContain('minus-one-to-one, zero-to-one, raw');
    expect((await failure(loadBackbone(path, { scale: 'raww' }))).message).toContain('did you mean "raw"?');
    const whole = await loadBackbone(path, { scale: 'raw' });
    const vector = await failure(Promise.resolve().then(() => whole.network(32)));
    expect(vector).toMatchObject({ code: 'backbone-unsupported', field: '--backbone-cut' });
  });

  test('whose weights are missing or cut short is refused', async () => {
    const path = await savedModel();
    await writeFile(join(path, 'weights.bin'), new Uint8Array(40));
    const backbone = await loadBackbone(path, { scale: 'raw', cut: 'conv_1' });
    expect((await failure(Promise.resolve().then(() => backbone.network(32)))).message).toContain(
      'the weights end at byte 40',
    );
    await writeFile(join(path, 'model.json'), JSON.stringify({ weightsManifest: [] }));
    expect((await failure(loadBackbone(path, { scale: 'raw' }))).code).toBe('backbone-unsupported');
    await writeFile(join(path, 'model.json'), '{');
    expect((await failure(loadBackbone(path, { scale: 'raw' }))).code).toBe('invalid-json');
    expect((await failure(loadBackbone(join(path, 'nothing'), { scale: 'raw' }))).code).toBe('backbone-missing');
  });
});

describe('a backbone by its name', () => {
  test('an unknown one names the known', async () => {
    const error = await failure(loadBackbone('mobilenet-v3'));
    expect(error).toMatchObject({ code: 'unknown-name' });
    expect(error.hint).toContain('nsfwjs-mobilenet-v2, mobilenet-v1');
  });

  test('mobilenet-v1 is told from another network by its weights', async () => {
    const error = await failure(loadBackbone('mobilenet-v1', { from: await savedModel() }));
    expect(error.code).toBe('backbone-unsupported');
  });
});
