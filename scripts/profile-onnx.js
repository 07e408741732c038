// Where a training step of the onnx engine spends its time, operator by operator, on one thread: MobileNetV1's shape with
// generated weights, 96 px. Needs `npm run build`.
//   node scripts/profile-onnx.js [--whole] [--batch N]
// --whole trains every layer instead of those from conv_dw_6 on.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import { mobilenetShaped } from '../dist/cli/bench/train-network.js';
import { createRandom, gaussian } from '../dist/core/random.js';
import { engines } from '../dist/learn/engines/registry.js';
import { withHead } from '../dist/learn/head.js';
import { splitBefore } from '../dist/model/surgery.js';

const { values: flags } = parseArgs({
  options: { whole: { type: 'boolean' }, batch: { type: 'string', default: '64' } },
});
const batch = Number(flags.batch);
const [warmUp, measured] = [2, 6];

const folder = await mkdtemp(join(tmpdir(), 'kindred-profile-'));
const sessions = [];
const create = InferenceSession.create.bind(InferenceSession);
InferenceSession.create = async (model, options) => {
  const profileFilePrefix = join(folder, `${sessions.length}`);
  const session = await create(model, { ...options, enableProfiling: true, profileFilePrefix });
  sessions.push(session);
  return session;
};

try {
  const { rest } = splitBefore(withHead(mobilenetShaped(96), 128, 0), flags.whole ? 'conv1' : 'conv_dw_6');
  const engine = await engines.get('onnx')(rest, { threads: 1 });
  const random = createRandom('profile', 0);
  const size = rest.inputShape.reduce((product, side) => product * side, batch);
  const input = Float32Array.from({ length: size }, () => Math.max(0, gaussian(random)));
  let [total, kernels] = [0, 0];
  for (let i = 0; i < warmUp + measured; i++) {
    const started = performance.now();
    const { kernelMs } = await engine.gradients(input, batch, rest.parameters, (embeddings) => embeddings);
    if (i < warmUp) continue;
    total += performance.now() - started;
    kernels += kernelMs;
  }
  for (const session of sessions) {
    try {
      session.endProfiling();
    } catch {
      // the session that looked for the size of a block is closed already
    }
  }
  const spent = new Map();
  for (const file of await readdir(folder)) {
    const text = await readFile(join(folder, file), 'utf8');
    if (text === '') continue;
    for (const { cat, name, dur, args } of JSON.parse(text)) {
      if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue;
      const sofar = spent.get(args.op_name) ?? { calls: 0, ms: 0 };
      spent.set(args.op_name, { calls: sofar.calls + 1, ms: sofar.ms + dur / 1000 });
    }
  }
  const steps = warmUp + measured;
  const rows = [...spent].toSorted(([, a], [, b]) => b.ms - a.ms);
  const operators = rows.reduce((sum, [, { ms }]) => sum + ms, 0) / steps;
  for (const [name, { calls, ms }] of rows)
    console.log(
      `${name.padEnd(16)} ${(ms / steps).toFixed(1).padStart(7)} ms  ${(calls / steps).toFixed(0).padStart(4)} calls`,
    );
  console.log(
    `${'all operators'.padEnd(16)} ${operators.toFixed(1).padStart(7)} ms (mean of ${steps} steps, profiling on)`,
  );
  console.log(
    `a step ${(total / measured).toFixed(1)} ms, of which in the runtime ${(kernels / measured).toFixed(1)} ms; ${(total / measured / batch).toFixed(2)} ms an image`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
