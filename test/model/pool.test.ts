import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { createWorkerPool, type WorkerPool } from '../../src/model/pool.js';

interface Request {
  value?: number;
  wait?: number;
  throw?: string;
  die?: 'first' | 'always';
  tries?: Int32Array;
  echo?: ArrayBuffer;
}
interface Response {
  values: Float32Array;
  thread?: number;
}

const script = new URL('./pool-test-worker.js', import.meta.url);
let pool: WorkerPool<Request, Response> | undefined;
const open = async (threads?: number, jobsPerWorker?: number): Promise<WorkerPool<Request, Response>> => {
  pool = await createWorkerPool<{ factor: number }, Request, Response>({
    script,
    workerData: { factor: 10 },
    threads,
    jobsPerWorker,
  });
  return pool;
};
afterEach(() => pool?.close());

describe('createWorkerPool', () => {
  it('answers every job with its own result, whatever order they finish in', async () => {
    const opened = await open(2);
    const jobs = Array.from({ length: 30 }, (_, value) => opened.run({ value, wait: value % 3 === 0 ? 8 : 0 }));
    expect((await Promise.all(jobs)).map(({ values }) => values[0])).toEqual(jobs.map((_, index) => index * 10));
  });

  it('uses every core by default, and every worker', async () => {
    const cores = availableParallelism();
    const opened = await open();
    expect(opened.threads).toBe(cores);
    const counts = await Promise.all(Array.from({ length: cores }, () => opened.run({ value: 1, wait: 50 })));
    expect(counts.map(({ values }) => values[1])).toEqual(Array.from({ length: cores }, () => 1));
  });

  it('tells how many jobs would start at once', async () => {
    const opened = await open(2, 2);
    expect(opened.free).toBe(4);
    const jobs = Array.from({ length: 3 }, () => opened.run({ value: 1, wait: 20 }));
    expect(opened.free).toBe(1);
    const more = Array.from({ length: 3 }, () => opened.run({ value: 1 }));
    expect(opened.free).toBe(0);
    await Promise.all([...jobs, ...more]);
    expect(opened.free).toBe(4);
  });

  it('brings a worker’s error across with code, message and field, and goes on', async () => {
    const opened = await open(1);
    const [bad, good] = await Promise.allSettled([opened.run({ throw: 'photo' }), opened.run({ value: 2 })]);
    expect(bad).toMatchObject({
      status: 'rejected',
      reason: { name: 'KindredError', code: 'image-unreadable', message: 'bad photo', field: 'image' },
    });
    expect(good).toMatchObject({ status: 'fulfilled', value: { values: Float32Array.from([20, 2]) } });
  });

  it('replaces a worker that dies and tries its jobs once more', async () => {
    const opened = await open(1, 2);
    const tries = new Int32Array(new SharedArrayBuffer(4));
    const [, neighbour, later] = await Promise.all([
      opened.run({ value: 1, die: 'first', tries, wait: 5 }),
      opened.run({ value: 2, wait: 5 }),
      opened.run({ value: 3 }),
    ]);
    expect(neighbour.values[0]).toBe(20);
    expect(later.values[0]).toBe(30);
    expect(Atomics.load(tries, 0)).toBe(2);
  });

  it('gives a job up when it has killed two workers, and serves the others', async () => {
    const opened = await open(1);
    const [dead, alive] = await Promise.allSettled([opened.run({ die: 'always' }), opened.run({ value: 4 })]);
    expect(dead).toMatchObject({ status: 'rejected', reason: { code: 'worker-died' } });
    expect(alive).toMatchObject({ status: 'fulfilled', value: { values: Float32Array.from([40, 1]) } });
  });

  it('copies a request, or moves what is in the transfer list', async () => {
    const opened = await open(1);
    const kept = new ArrayBuffer(8);
    expect((await opened.run({ value: 1, echo: kept })).thread).toBe(8);
    expect(kept.byteLength).toBe(8);
    expect((await opened.run({ value: 1, echo: kept }, [kept])).thread).toBe(8);
    expect(kept.byteLength).toBe(0);
  });

  it('does not repeat a job whose buffers were moved', async () => {
    const opened = await open(1);
    const moved = new ArrayBuffer(8);
    const tries = new Int32Array(new SharedArrayBuffer(4));
    await expect(opened.run({ value: 1, die: 'first', tries, echo: moved }, [moved])).rejects.toMatchObject({
      code: 'worker-died',
    });
    expect(Atomics.load(tries, 0)).toBe(1);
  });

  it('rejects a request that cannot be copied, without losing a place', async () => {
    const opened = await open(1);
    const uncloneable = { value: 1, then: undefined, callback: () => 1 };
    await expect(opened.run(uncloneable)).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(opened.free).toBe(1);
  });

  it('fails to open with the error of the workers’ set-up', async () => {
    const opening = createWorkerPool({ script, workerData: { fail: true }, threads: 2 });
    await expect(opening).rejects.toMatchObject({ code: 'addon-missing', hint: 'Install it.' });
  });

  it('fails to open when the worker’s file cannot be loaded', async () => {
    const opening = createWorkerPool({ script: new URL('./absent.js', import.meta.url), workerData: {}, threads: 1 });
    await expect(opening).rejects.toMatchObject({ code: 'worker-died' });
  });

  it('rejects running, waiting and later jobs once it is closed', async () => {
    const opened = await open(1);
    const jobs = [opened.run({ value: 1, wait: 10_000 }), opened.run({ value: 2 })];
    const settled = Promise.allSettled(jobs);
    await opened.close();
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'interrupted' } });
    }
    await expect(opened.run({ value: 3 })).rejects.toMatchObject({ code: 'interrupted' });
  });
});
