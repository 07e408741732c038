import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { optionalBackends, requireInstalled, unavailable } from './optional.js';

/** What both packages call their backend. */
export const nativeBackend = 'tensorflow';

const firstNodeWithout = 23;
const deviceSchema = z.object({ isUsingGpuDevice: z.boolean() });

/**
 * The packages call functions of node:util that Node 23 removed. They load there, and fail in the first computation.
 * @throws KindredError backend-unavailable
 */
export function checkNodeForNative(name: string, version: string): void {
  if (Number(version.split('.')[0]) < firstNodeWithout) return;
  throw unavailable(
    `the backend ${name} needs Node older than ${firstNodeWithout}; this is Node ${version}`,
    'Run kindred with Node 20 or 22, or train with --backend auto.',
  );
}

/**
 * Loads TensorFlow's own library and leaves TF.js with that as its backend.
 * @throws KindredError backend-unavailable when it is not installed, does not load, or (for -gpu) finds no CUDA device,
 * where it would go on with the processor without a word
 */
export async function openNative(name: 'tfjs-node' | 'tfjs-node-gpu'): Promise<void> {
  requireInstalled(name);
  checkNodeForNative(name, process.versions.node);
  const { packages, install, needs } = optionalBackends[name];
  try {
    const module: string = packages[0]; // a string, so that the compiler does not look for it
    await import(module);
    if (!(await tf.setBackend(nativeBackend))) throw new Error('TF.js cannot start it');
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const hint = `Install it again where its download is possible: npm install ${install} (${needs}).`;
    throw unavailable(`the backend ${name} does not load: ${reason}`, hint, error);
  }
  if (name === 'tfjs-node-gpu' && !deviceSchema.parse(tf.engine().findBackend(nativeBackend)).isUsingGpuDevice) {
    throw unavailable(
      'the backend tfjs-node-gpu loads, but its TensorFlow library finds no CUDA device',
      `Check the driver, CUDA 11.2 and cuDNN 8.1 (nvidia-smi, ldconfig -p), or train with --backend auto.`,
    );
  }
}
