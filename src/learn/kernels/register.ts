import { getKernelsForBackend, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { conv2dBackpropFilter, conv2dBackpropInput } from './conv2d.js';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise.js';
import type { KernelCall } from './heap.js';

const kernels = {
  Conv2DBackpropFilter: conv2dBackpropFilter,
  Conv2DBackpropInput: conv2dBackpropInput,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
} as const;

let registered = false;

/**
 * Gives TF.js's wasm backend the convolution gradients that it lacks, and a faster one where it has a slow one. They work
 * on the backend's heap in place. Call it after importing @tensorflow/tfjs-backend-wasm; a second call does nothing.
 */
export function registerWasmKernels(): void {
  if (registered) return;
  registered = true;
  const present = new Set(getKernelsForBackend('wasm').map((kernel) => kernel.kernelName));
  for (const [kernelName, compute] of Object.entries(kernels)) {
    if (present.has(kernelName)) unregisterKernel(kernelName, 'wasm');
    registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs, backend }) => {
        const call: KernelCall = { inputs, attrs, backend };
        return compute(call);
      },
    });
  }
}
