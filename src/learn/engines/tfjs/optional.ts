import { KindredError } from '../../../core/errors.js';
import { isInstalled } from '../../../core/packages.js';

/** A backend whose packages kindred does not install by itself (docs/backends.md says why). */
export interface OptionalBackend {
  readonly packages: readonly string[];
  /** What `npm install` takes to bring them in versions that fit. */
  readonly install: string;
  readonly needs: string;
}

const libtensorflow = 'its install downloads libtensorflow, and it needs Node older than 23';

export const optionalBackends = {
  'tfjs-node-gpu': {
    packages: ['@tensorflow/tfjs-node-gpu'],
    install: '@tensorflow/tfjs-node-gpu@4.22',
    needs: `${libtensorflow}, an NVIDIA GPU, CUDA 11.2 and cuDNN 8.1`,
  },
  'tfjs-node': {
    packages: ['@tensorflow/tfjs-node'],
    install: '@tensorflow/tfjs-node@4.22',
    needs: libtensorflow,
  },
  webgpu: {
    packages: ['webgpu', '@tensorflow/tfjs-backend-webgpu'],
    install: 'webgpu@0.6 @tensorflow/tfjs-backend-webgpu@4.22',
    needs: 'it needs a GPU and its driver with Vulkan, Metal or Direct3D 12',
  },
} as const satisfies Readonly<Record<string, OptionalBackend>>;

export type OptionalName = keyof typeof optionalBackends;

export function unavailable(message: string, hint: string, cause?: unknown): KindredError {
  return new KindredError('backend-unavailable', message, { hint, field: '--backend', cause });
}

/** @throws KindredError backend-unavailable, with how to get the packages */
export function requireInstalled(name: OptionalName, installed: (name: string) => boolean = isInstalled): void {
  const { packages, install, needs } = optionalBackends[name];
  const absent = packages.filter((each) => !installed(each));
  if (absent.length === 0) return;
  throw unavailable(
    `the backend ${name} is not installed (${absent.join(', ')})`,
    `npm install ${install} (${needs}), or train with --backend auto.`,
  );
}
