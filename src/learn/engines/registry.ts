import { setBackend } from '@tensorflow/tfjs-core';
import { createRegistry, type Registry } from '../../core/registry.js';
import type { EngineFactory } from './engine.js';
import { createTfjsEngine } from './tfjs/engine.js';
import { nativeBackend, openNative } from './tfjs/native.js';
import { unavailable } from './tfjs/optional.js';
import { openWebgpu } from './tfjs/webgpu.js';

export interface BackendOptions {
  /** Take a WebGPU adapter that is a processor. */
  readonly allowSoftwareGpu: boolean;
}

export interface Backend {
  /**
   * Loads it. TF.js is left on the backend that the losses run on: they are small, and read at once what they compute,
   * which a GPU cannot.
   * @throws KindredError backend-unavailable
   * @returns what it found, to be shown, or ''
   */
  open(): Promise<string>;
  readonly engine: EngineFactory;
}

async function openBuiltIn(name: 'wasm' | 'cpu'): Promise<string> {
  try {
    if (name === 'wasm') {
      await import('@tensorflow/tfjs-backend-wasm');
      const { registerWasmKernels } = await import('../kernels/register.js');
      registerWasmKernels();
    } else await import('@tensorflow/tfjs-backend-cpu');
    if (!(await setBackend(name))) throw new Error(`TF.js could not start its ${name} backend`);
    return '';
  } catch (error) {
    throw unavailable(
      `the backend ${name} does not start on this machine`,
      'Run kindred doctor, or train with --backend onnx.',
      error,
    );
  }
}

/** A backend of TF.js. */
function tfjs(name: string, backend: string, open: () => Promise<string>): Backend {
  return {
    open,
    engine: async (network) => {
      await open();
      return createTfjsEngine(network, name, backend);
    },
  };
}

function native(name: 'tfjs-node' | 'tfjs-node-gpu'): Backend {
  return tfjs(name, nativeBackend, async () => {
    await openNative(name);
    return openBuiltIn('wasm');
  });
}

async function openOnnx(): Promise<string> {
  await import('./onnx/engine.js').catch((error: unknown) => {
    throw unavailable('the backend onnx does not load: ONNX Runtime', 'Run kindred doctor.', error);
  });
  return openBuiltIn('wasm');
}

/**
 * What can train. `onnx` compiles the learning part and its gradient to ONNX graphs and uses every core; the losses stay
 * in TF.js, on wasm. The others run the network in TF.js; all but `cpu` leave the losses to wasm.
 */
export function createBackends({ allowSoftwareGpu }: BackendOptions): Registry<Backend> {
  return createRegistry<Backend>('backend', {
    onnx: {
      open: openOnnx,
      engine: async (network, options) => {
        await openOnnx();
        const { createOnnxEngine } = await import('./onnx/engine.js');
        return createOnnxEngine(network, options);
      },
    },
    'tfjs-node-gpu': native('tfjs-node-gpu'),
    'tfjs-node': native('tfjs-node'),
    webgpu: tfjs('webgpu', 'webgpu', async () => {
      const { name } = await openWebgpu({ allowSoftware: allowSoftwareGpu });
      await openBuiltIn('wasm');
      return name;
    }),
    wasm: tfjs('wasm', 'wasm', () => openBuiltIn('wasm')),
    cpu: tfjs('cpu', 'cpu', () => openBuiltIn('cpu')),
  });
}

const backends = createBackends({ allowSoftwareGpu: false });

export const engines: Registry<EngineFactory> = createRegistry(
  'backend',
  Object.fromEntries(backends.names.map((name) => [name, backends.get(name).engine])),
);

/** What `--backend` takes; `auto` is chosen in choose.ts. */
export const backendNames: readonly string[] = ['auto', ...engines.names];
