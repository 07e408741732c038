// A worker for pool.test.ts, in plain JavaScript because workers cannot run TypeScript.
import { KindredError } from '../../dist/core/errors.js';
import { runPoolWorker } from '../../dist/model/pool-worker.js';

runPoolWorker(async (setup) => {
  if (setup.fail) throw new KindredError('addon-missing', 'no such addon', { hint: 'Install it.' });
  let jobs = 0;
  return async (request) => {
    jobs++;
    if (request.die === 'always' || (request.die === 'first' && Atomics.add(request.tries, 0, 1) === 0))
      process.exit(3);
    if (request.throw) throw new KindredError('image-unreadable', `bad ${request.throw}`, { field: 'image' });
    if (request.wait) await new Promise((resolve) => setTimeout(resolve, request.wait));
    const values = Float32Array.from([request.value * setup.factor, jobs]);
    return { response: { values, thread: request.echo?.byteLength }, transfer: [values.buffer] };
  };
});
