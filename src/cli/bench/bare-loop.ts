import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parentPort, Worker } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';

/**
 * The yardstick: decode and embed the images listed on stdin with nothing around it. Self-contained on purpose:
 *   find photos -name '*.jpg' | node dist/cli/bench/bare-loop.js MODEL.onnx INPUT_SIZE SESSIONS THREADS BATCH
 * Each session is in a worker and has so many threads. Prints {"images", "seconds"}, without loading the model.
 */
type Plan = { onnx: string; size: number; threads: number; batch: number; files: string[]; taken: Int32Array };

async function prepare({ onnx, size, threads, batch, files, taken }: Plan) {
  sharp.concurrency(1);
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: threads, executionMode: 'sequential' });
  const embed = (pixels: Uint8Array) =>
    session.run({ pixels: new Tensor('uint8', pixels, [pixels.length / (size * size * 3), size, size, 3]) });
  const decode = async (path: string) =>
    sharp(await readFile(path), { failOn: 'error' })
      .autoOrient()
      .flatten({ background: '#fff' })
      .resize(size, size, { fit: 'cover' })
      .toColourspace('srgb')
      .raw()
      .toBuffer();
  const take = () => {
    const start = Atomics.add(taken, 0, batch);
    return Promise.all(files.slice(start, start + batch).map(decode));
  };
  await embed(new Uint8Array(batch * size * size * 3));
  return async () => {
    // The next images are decoded while these are embedded.
    for (let now = await take(), next = take(); now.length > 0; now = await next, next = take()) {
      await embed(Buffer.concat(now));
    }
  };
}

if (parentPort) {
  const port = parentPort;
  let loop: () => Promise<void>;
  const receive = async (plan: Plan | 'go') => (plan === 'go' ? loop() : (loop = await prepare(plan)));
  port.on('message', (plan: Plan | 'go') => void receive(plan).then(() => port.postMessage('done')));
} else {
  const [onnx = '', size, sessions, threads, batch] = process.argv.slice(2);
  const files = (await text(process.stdin)).split('\n').filter(Boolean);
  const plan = { onnx, size: Number(size), threads: Number(threads), batch: Number(batch), files };
  const workers = Array.from({ length: Number(sessions) }, () => new Worker(new URL(import.meta.url)));
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const toAll = (message: Plan | 'go') =>
    Promise.all(workers.map((worker) => (worker.postMessage(message), once(worker, 'message'))));
  await toAll({ ...plan, taken });
  const start = performance.now();
  await toAll('go');
  console.log(JSON.stringify({ images: files.length, seconds: (performance.now() - start) / 1000 }));
  process.exit(); // the workers are still listening
}
