import { existsSync } from 'node:fs';
import { KindredError } from '../../core/errors.js';
import { unknownName, type Registry } from '../../core/registry.js';
import type { EngineFactory } from './engine.js';
import { backendNames, createBackends, type Backend, type BackendOptions } from './registry.js';

/** The order in which `auto` tries: GPUs, then the CPU's fastest, then what is left. docs/backends.md has the reasons. */
export const ladder = ['tfjs-node-gpu', 'webgpu', 'onnx', 'tfjs-node', 'wasm'] as const;

export interface ChosenBackend {
  readonly name: string;
  readonly engine: EngineFactory;
  /** One line for the log: which it is, and for `auto` why not those before it. */
  readonly report: string;
}

/** Where Linux shows graphics devices. Without one Dawn need not be loaded only to find no adapter. */
const linuxDevices = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg', '/dev/kfd'];

function hasGraphicsDevice(): boolean {
  return process.platform !== 'linux' || linuxDevices.some((path) => existsSync(path));
}

export interface ChooseProbes {
  readonly backends: Registry<Backend>;
  readonly hasGraphicsDevice: () => boolean;
}

async function tryLadder({ backends, hasGraphicsDevice: hasDevice }: ChooseProbes): Promise<ChosenBackend> {
  const passedOver: string[] = [];
  for (const name of ladder) {
    const backend = backends.get(name);
    try {
      if (name === 'webgpu' && !hasDevice()) {
        passedOver.push('webgpu: this machine has no graphics device');
        continue;
      }
      const found = await backend.open();
      const why = passedOver.length > 0 ? `; not ${passedOver.join('; not ')}` : '';
      return { name, engine: backend.engine, report: `backend: ${name}${found ? ` on ${found}` : ''}${why}` };
    } catch (error) {
      if (!(error instanceof KindredError) || error.code !== 'backend-unavailable') throw error;
      passedOver.push(`${name}: ${error.message.replace(`the backend ${name} `, '')}`);
    }
  }
  throw new KindredError('backend-unavailable', `no backend runs here; ${passedOver.join('; ')}`, {
    hint: 'Run kindred doctor.',
  });
}

/**
 * The backend that was asked for, opened; for `auto` the first of the ladder that opens, a GPU only where it is real.
 * @throws KindredError unknown-name; backend-unavailable when what was asked for cannot run: nothing takes its place
 */
export async function chooseBackend(
  name: string,
  options: BackendOptions,
  probes?: ChooseProbes,
): Promise<ChosenBackend> {
  if (!backendNames.includes(name)) throw unknownName('backend', name, backendNames, '--backend');
  if (name === 'auto') {
    return tryLadder(probes ?? { backends: createBackends({ allowSoftwareGpu: false }), hasGraphicsDevice });
  }
  const backend = (probes?.backends ?? createBackends(options)).get(name);
  const found = await backend.open();
  return { name, engine: backend.engine, report: `backend: ${name}${found ? ` on ${found}` : ''}` };
}
