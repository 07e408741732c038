import { setBackend, ready } from '@tensorflow/tfjs-core';
import { KindredError } from '../../core/errors.js';
import { createRegistry } from '../../core/registry.js';
import { registerWasmKernels } from '../kernels/register.js';
import type { EngineFactory } from './engine.js';
import { createOnnxEngine } from './onnx/engine.js';
import { createTfjsEngine } from './tfjs/engine.js';

async function useBackend(name: 'wasm' | 'cpu'): Promise<void> {
  try {
    if (name === 'wasm') {
      await import('@tensorflow/tfjs-backend-wasm');
      registerWasmKernels();
    } else await import('@tensorflow/tfjs-backend-cpu');
    if (!(await setBackend(name))) throw new Error(`TF.js could not start its ${name} backend`);
    await ready();
  } catch (error) {
    throw new KindredError('backend-unavailable', `the ${name} backend does not start on this machine`, {
      hint: 'Run kindred doctor, or train with --backend onnx.',
      cause: error,
    });
  }
}

const tfjs =
  (name: 'wasm' | 'cpu'): EngineFactory =>
  async (network) => {
    await useBackend(name);
    return createTfjsEngine(network, name);
  };

/**
 * What can train here. `onnx` compiles the learning part and its gradient to ONNX graphs and uses every core; the loss
 * stays in TF.js, on wasm. `wasm` and `cpu` run all of it in TF.js.
 */
export const engines = createRegistry<EngineFactory>('backend', {
  onnx: async (network, options) => {
    await useBackend('wasm');
    return createOnnxEngine(network, options);
  },
  wasm: tfjs('wasm'),
  cpu: tfjs('cpu'),
});

/** `auto` is the fastest that runs on a machine without a GPU. */
export const backendNames: readonly string[] = ['auto', ...engines.names];

export const defaultEngine = 'onnx';
