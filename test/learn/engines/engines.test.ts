import { describe, expect, test } from 'vitest';
import { isInstalled } from '../../../src/core/packages.js';
import { backendNames, createBackends, engines } from '../../../src/learn/engines/registry.js';
import type { EngineFactory } from '../../../src/learn/engines/engine.js';
import { describeObjectives } from '../../contracts/engine-objectives.js';
import { describeEngine } from '../../contracts/engine.js';

const refusedByOnnx = ['depthwise, multiplier 2'];
const backends = createBackends({ allowSoftwareGpu: true });

function describeAll(name: string, create: EngineFactory, refused?: readonly string[]): void {
  describeEngine(name, create, refused);
  describeObjectives(name, create);
}

describeEngine('cpu', engines.get('cpu'));
describeAll('wasm', engines.get('wasm'));
describeAll('onnx', engines.get('onnx'), refusedByOnnx);

/** The suite where the backend runs; else one skipped test that says why not. */
async function describeOptional(name: string, packages: readonly string[]): Promise<void> {
  const absent = packages.filter((each) => !isInstalled(each));
  const backend = backends.get(name);
  const reason =
    absent.length > 0
      ? 'skipped: not installed'
      : await backend.open().then(
          () => null,
          (error: unknown) => `skipped: ${error instanceof Error ? error.message : String(error)}`,
        );
  if (reason === null) describeAll(name, backend.engine);
  else describe(`the ${name} engine`, () => test.skip(reason, () => undefined));
}
await describeOptional('webgpu', ['webgpu', '@tensorflow/tfjs-backend-webgpu']);
await describeOptional('tfjs-node', ['@tensorflow/tfjs-node']);
await describeOptional('tfjs-node-gpu', ['@tensorflow/tfjs-node-gpu']);

test('every engine is listed, and an unknown one is told so', () => {
  expect(backendNames).toEqual(['auto', 'onnx', 'tfjs-node-gpu', 'tfjs-node', 'webgpu', 'wasm', 'cpu']);
  expect(() => engines.get('wasn')).toThrow('did you mean "wasm"?');
});
