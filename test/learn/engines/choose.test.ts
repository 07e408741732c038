import { describe, expect, test } from 'vitest';
import { KindredError } from '../../../src/core/errors.js';
import { createRegistry } from '../../../src/core/registry.js';
import { chooseBackend, ladder, type ChooseProbes } from '../../../src/learn/engines/choose.js';
import type { Backend } from '../../../src/learn/engines/registry.js';
import { checkNodeForNative } from '../../../src/learn/engines/tfjs/native.js';
import { requireInstalled } from '../../../src/learn/engines/tfjs/optional.js';
import { describeAdapter } from '../../../src/learn/engines/tfjs/webgpu.js';
import { failure } from '../../data/helpers.js';

const options = { allowSoftwareGpu: false };

/** Backends of which only the named ones open; `asked` collects those that were tried. */
function probes(usable: readonly string[], hasDevice = true): ChooseProbes & { readonly asked: string[] } {
  const asked: string[] = [];
  const backend = (name: string): Backend => ({
    open: () => {
      asked.push(name);
      if (usable.includes(name)) return Promise.resolve(name === 'webgpu' ? 'a card' : '');
      return Promise.reject(new KindredError('backend-unavailable', `the backend ${name} is not there`));
    },
    engine: () => Promise.reject(new Error('nothing is trained here')),
  });
  const names = [...ladder, 'cpu'];
  const backends = createRegistry('backend', Object.fromEntries(names.map((name) => [name, backend(name)])));
  return { asked, backends, hasGraphicsDevice: () => hasDevice };
}

describe('auto', () => {
  test.each([
    [['tfjs-node-gpu', 'webgpu', 'onnx'], 'backend: tfjs-node-gpu'],
    [['webgpu', 'onnx', 'wasm'], 'backend: webgpu on a card; not tfjs-node-gpu: is not there'],
    [['onnx', 'tfjs-node', 'wasm'], 'backend: onnx; not tfjs-node-gpu: is not there; not webgpu: is not there'],
    [['tfjs-node', 'wasm'], /^backend: tfjs-node; .*; not onnx: is not there$/],
    [['wasm', 'cpu'], /^backend: wasm; .*; not tfjs-node: is not there$/],
  ])('with %j', async (usable, report) => {
    const tried = probes(usable);
    const chosen = await chooseBackend('auto', options, tried);
    expect(chosen.name).toBe(tried.asked.at(-1));
    expect(chosen.report).toMatch(report);
  });

  test('loads no WebGPU where there is no graphics device, and says so', async () => {
    const tried = probes(['webgpu', 'onnx'], false);
    const { name, report } = await chooseBackend('auto', options, tried);
    expect([name, tried.asked]).toEqual(['onnx', ['tfjs-node-gpu', 'onnx']]);
    expect(report).toContain('webgpu: this machine has no graphics device');
  });

  test('names every reason when nothing runs', async () => {
    const error = await failure(chooseBackend('auto', options, probes([])));
    expect(error.code).toBe('backend-unavailable');
    for (const name of ladder) expect(error.message).toContain(`${name}: is not there`);
  });

  test('passes a defect on instead of going on with the next', async () => {
    const tried = probes(['onnx']);
    const broken: Backend = { ...tried.backends.get('cpu'), open: () => Promise.reject(new Error('a defect')) };
    const backends = { ...tried.backends, get: () => broken };
    await expect(chooseBackend('auto', options, { ...tried, backends })).rejects.toThrow('a defect');
  });
});

describe('a backend that was asked for', () => {
  test('is the one that is taken', async () => {
    expect((await chooseBackend('wasm', options, probes(['onnx', 'wasm']))).report).toBe('backend: wasm');
  });

  test('is not replaced by another when it is absent', async () => {
    const tried = probes(['onnx', 'wasm']);
    const error = await failure(chooseBackend('webgpu', options, tried));
    expect([error.code, tried.asked]).toEqual(['backend-unavailable', ['webgpu']]);
  });

  test('must be a known one', async () => {
    const error = await failure(chooseBackend('webgpuu', options));
    expect([error.code, error.field]).toEqual(['unknown-name', '--backend']);
    expect(error.message).toContain('did you mean "webgpu"?');
  });
});

function hintOf(attempt: () => void): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof KindredError) return error.hint ?? '';
  }
  return '';
}

test('packages that are absent are named, with what brings them', () => {
  const attempt = (): void => requireInstalled('webgpu', (name) => name === 'webgpu');
  expect(attempt).toThrow('webgpu is not installed (@tensorflow/tfjs-backend-webgpu)');
  expect(hintOf(attempt)).toMatch(/^npm install webgpu@/);
  const native = (): void => requireInstalled('tfjs-node-gpu', () => false);
  expect(hintOf(native)).toMatch(/Node older than 23.*CUDA 11\.2/);
  expect(() => requireInstalled('webgpu', () => true)).not.toThrow();
});

test('Node 23 and newer are refused for the native backends, before they fail in the middle of a run', () => {
  expect(() => checkNodeForNative('tfjs-node', '22.12.0')).not.toThrow();
  expect(() => checkNodeForNative('tfjs-node', '23.0.0')).toThrow('needs Node older than 23; this is Node 23.0.0');
});

test.each([
  [{ vendor: 'mesa', architecture: 'software', description: 'llvmpipe: Mesa 25.0.7 (LLVM 15)' }, true],
  [{ vendor: 'google', architecture: 'swiftshader', description: '' }, true],
  [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, true],
  [{ vendor: 'unheard-of', description: 'A Renderer', isFallbackAdapter: true }, true],
  [{ vendor: 'intel', architecture: 'gen-12lp', description: 'Intel UHD (Mesa 25.0.7)' }, false],
  [{ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H100', isFallbackAdapter: false }, false],
])('%j is a software adapter: %s', (info, software) => {
  const adapter = describeAdapter(info);
  expect(adapter.software).toBe(software);
  expect(adapter.name).not.toBe('');
});
