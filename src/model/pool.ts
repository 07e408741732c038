import { availableParallelism } from 'node:os';
import { Worker, type Transferable } from 'node:worker_threads';
import { fromPlainError, KindredError } from '../core/errors.js';
import type { FromWorker, ToWorker } from './pool-protocol.js';

/**
 * A pool of worker threads that each hold something expensive, such as an ONNX Runtime session. Not piscina: callers
 * here cut their work to the number of free places at the moment of sending (one image for a lone query, a full batch
 * under load), need start-up failures as errors with codes, and want a job that loses its worker tried once more.
 */
export interface WorkerPool<Request, Response> {
  readonly threads: number;
  /** Jobs that can come now without waiting for others; 0 while all workers are busy. */
  readonly free: number;
  /**
   * Runs one job on the least busy worker; jobs start in the order of the calls, and each promise settles with its own
   * answer. The request is copied unless its buffers are in `transfer`; a job with transferred buffers is not retried.
   * @throws KindredError whatever the worker threw, worker-died, or interrupted when the pool is closed
   */
  run(request: Request, transfer?: readonly Transferable[]): Promise<Response>;
  /** Ends every worker; jobs that are not done are rejected. */
  close(): Promise<void>;
}

export interface WorkerPoolOptions<Setup> {
  /** The worker's compiled file (see core/worker-url.ts); it calls `runPoolWorker`. */
  readonly script: URL;
  /** Copied to each worker once, before its first job. */
  readonly workerData: Setup;
  /** Default: the cores this process may use. */
  readonly threads?: number | undefined;
  /** Jobs in flight per worker, so that one can wait for input while another computes. Default 1. */
  readonly jobsPerWorker?: number | undefined;
  /**
   * Most that V8 keeps for a worker's short-lived objects, MiB; default: V8's own. A worker whose large data lies outside
   * of V8 gains nothing from more, and V8 lets it grow for minutes.
   */
  readonly youngGenerationMiB?: number | undefined;
}

interface Job<Request, Response> {
  readonly request: Request;
  readonly transfer: readonly Transferable[];
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
  deaths: number;
}

interface Member<Request, Response> {
  readonly worker: Worker;
  readonly jobs: Map<number, Job<Request, Response>>;
}

/**
 * Starts the workers and waits until all are ready. A worker that dies is replaced when the next job needs it, and its
 * jobs are tried once more. An idle pool does not keep the process alive.
 * @throws KindredError whatever the workers' set-up threw, or worker-died
 */
export async function createWorkerPool<Setup, Request, Response>(
  options: WorkerPoolOptions<Setup>,
): Promise<WorkerPool<Request, Response>> {
  const threads = Math.max(1, options.threads ?? availableParallelism());
  const jobsPerWorker = Math.max(1, options.jobsPerWorker ?? 1);
  const { youngGenerationMiB } = options;
  const members = new Set<Member<Request, Response>>();
  const queue: Job<Request, Response>[] = [];
  let starting = 0;
  let nextId = 0;
  let closed = false;

  /** Resolves when the worker has done its set-up and joined the pool. */
  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(options.script, {
        resourceLimits: youngGenerationMiB === undefined ? {} : { maxYoungGenerationSizeMb: youngGenerationMiB },
      });
      const member: Member<Request, Response> = { worker, jobs: new Map() };
      let cause: unknown;
      worker.on('message', (message: FromWorker<Response>) => {
        if (message.kind === 'ready') {
          if (closed) void worker.terminate();
          else members.add(member);
          worker.unref();
          resolve();
        } else if (message.kind === 'failed') {
          reject(fromPlainError(message.error));
          void worker.terminate();
        } else {
          const job = member.jobs.get(message.id);
          member.jobs.delete(message.id);
          if (member.jobs.size === 0) worker.unref();
          if (message.kind === 'done') job?.resolve(message.response);
          else job?.reject(fromPlainError(message.error));
        }
        pump();
      });
      worker.on('error', (error) => (cause = error));
      worker.on('exit', (exitCode) => {
        members.delete(member);
        reject(died(exitCode, cause)); // without effect once it was ready
        for (const job of [...member.jobs.values()].reverse()) {
          job.deaths++;
          if (closed || job.deaths > 1 || job.transfer.length > 0)
            job.reject(closed ? stopped() : died(exitCode, cause));
          else queue.unshift(job);
        }
        pump();
      });
      worker.postMessage({ kind: 'setup', setup: options.workerData } satisfies ToWorker<Setup, Request>);
    });

  const replace = (): void => {
    starting++;
    start()
      .catch((error: unknown) => {
        if (members.size === 0) for (const job of queue.splice(0)) job.reject(error);
      })
      .finally(() => {
        starting--;
        pump();
      });
  };

  const leastBusy = (): Member<Request, Response> | undefined => {
    let best: Member<Request, Response> | undefined;
    for (const member of members) if (member.jobs.size < (best?.jobs.size ?? jobsPerWorker)) best = member;
    return best;
  };

  const pump = (): void => {
    for (let member = leastBusy(); member && queue.length > 0; member = leastBusy()) {
      const job = queue.shift();
      if (job) send(member, job);
    }
    if (!closed && queue.length > 0 && members.size + starting < threads) replace();
  };

  const send = (member: Member<Request, Response>, job: Job<Request, Response>): void => {
    const id = nextId++;
    try {
      member.worker.postMessage(
        { kind: 'job', id, request: job.request } satisfies ToWorker<Setup, Request>,
        job.transfer,
      );
    } catch (error) {
      job.reject(error); // a request that cannot be cloned
      return;
    }
    member.jobs.set(id, job);
    member.worker.ref();
  };

  const close = async (): Promise<void> => {
    closed = true;
    for (const job of queue.splice(0)) job.reject(stopped());
    await Promise.all([...members].map((member) => member.worker.terminate()));
  };

  const started = await Promise.allSettled(Array.from({ length: threads }, start));
  for (const outcome of started) {
    if (outcome.status === 'rejected') {
      await close();
      throw outcome.reason;
    }
  }
  return {
    threads,
    get free() {
      let taken = queue.length;
      for (const member of members) taken += member.jobs.size;
      return closed ? 0 : Math.max(0, threads * jobsPerWorker - taken);
    },
    run: (request, transfer = []) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(stopped());
          return;
        }
        queue.push({ request, transfer, resolve, reject, deaths: 0 });
        pump();
      }),
    close,
  };
}

function died(exitCode: number, cause: unknown): KindredError {
  const reason = cause instanceof Error ? cause.message : `exit code ${exitCode}`;
  return new KindredError('worker-died', `a worker thread died (${reason})`, {
    hint: 'If memory ran out, use fewer threads; otherwise run the same command again.',
    cause,
  });
}

function stopped(): KindredError {
  return new KindredError('interrupted', 'the workers were stopped before this was done');
}
