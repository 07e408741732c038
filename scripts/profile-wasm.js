// Where a training step of the wasm engine spends its time, kernel by kernel: MobileNetV1's shape with generated weights,
// learning from conv_dw_6, 96 px, batch 16. Needs `npm run build`.
//   node scripts/profile-wasm.js [--stock] [--whole] [--batch N]
// --stock puts TF.js's own kernels back where it has them; --whole trains every layer.
import { backend, getKernelsForBackend, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { parseArgs } from 'node:util';
import { mobilenetShaped } from '../dist/cli/bench/train-network.js';
import { createRandom, gaussian } from '../dist/core/random.js';
import { engines } from '../dist/learn/engines/registry.js';
import { withHead } from '../dist/learn/head.js';
import { splitBefore } from '../dist/model/surgery.js';

const { values: flags } = parseArgs({
  options: { stock: { type: 'boolean' }, whole: { type: 'boolean' }, batch: { type: 'string', default: '16' } },
});
const batch = Number(flags.batch);
const [warmUp, measured] = [2, 5];

const stock = getKernelsForBackend('wasm');
const { rest } = splitBefore(withHead(mobilenetShaped(96), 128, 0), flags.whole ? 'conv1' : 'conv_dw_6');
const engine = await engines.get('wasm')(rest, { threads: 1 });
if (flags.stock) {
  for (const kernel of stock) {
    unregisterKernel(kernel.kernelName, 'wasm');
    registerKernel(kernel);
    kernel.setupFunc?.(backend());
  }
}

// A kernel's own time: what another kernel takes that it calls is counted there.
const spent = new Map();
const stack = [];
for (const kernel of getKernelsForBackend('wasm')) {
  const { kernelName, kernelFunc } = kernel;
  unregisterKernel(kernelName, 'wasm');
  registerKernel({
    ...kernel,
    kernelFunc: (call) => {
      const frame = { inner: 0 };
      stack.push(frame);
      const started = performance.now();
      try {
        return kernelFunc(call);
      } finally {
        const elapsed = performance.now() - started;
        stack.pop();
        const parent = stack.at(-1);
        if (parent) parent.inner += elapsed;
        const sofar = spent.get(kernelName) ?? { calls: 0, ms: 0 };
        spent.set(kernelName, { calls: sofar.calls + 1, ms: sofar.ms + elapsed - frame.inner });
      }
    },
  });
}

const random = createRandom('profile', 0);
const size = rest.inputShape.reduce((product, side) => product * side, batch);
const input = Float32Array.from({ length: size }, () => Math.max(0, gaussian(random)));
const step = () => engine.gradients(input, batch, rest.parameters, (embeddings) => embeddings);
for (let i = 0; i < warmUp; i++) await step();
spent.clear();
const started = performance.now();
for (let i = 0; i < measured; i++) await step();
const total = (performance.now() - started) / measured;

const rows = [...spent].map(([name, { calls, ms }]) => ({ name, calls: calls / measured, ms: ms / measured }));
rows.sort((a, b) => b.ms - a.ms);
const outside = total - rows.reduce((sum, { ms }) => sum + ms, 0);
console.log(`one step of ${batch} images: ${total.toFixed(0)} ms, ${(total / batch).toFixed(1)} ms an image\n`);
console.log('| kernel | calls | ms | share |\n| --- | --- | --- | --- |');
for (const { name, calls, ms } of rows.filter((row) => row.ms >= total / 1000)) {
  console.log(`| ${name} | ${calls} | ${ms.toFixed(1)} | ${((100 * ms) / total).toFixed(1)} % |`);
}
console.log(`| outside kernels | | ${outside.toFixed(1)} | ${((100 * outside) / total).toFixed(1)} % |`);
await engine.dispose();
