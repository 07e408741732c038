import { workerUrl } from '../core/worker-url.js';
import { createWorkerPool } from '../model/pool.js';
import type { RunPlan } from './plan.js';
import type { RunRecord } from './record.js';
import type { RunWorkerSetup } from './run-worker.js';

export interface Runners {
  run(plan: RunPlan): Promise<RunRecord>;
  close(): Promise<void>;
}

export interface RunnersOptions {
  /** Runs at a time, a worker thread each: short runs on small networks gain more from that than from threads. */
  readonly jobs: number;
  /** kindred's cache folder: activations of the frozen part are kept there for all runs. */
  readonly folder: string;
  readonly commit: string | null;
}

/** Room for the frozen part's activations of a few data sets. */
const activationBytes = 6 * 2 ** 30;
const pictureBytes = 128 * 2 ** 20;

/** @throws KindredError worker-died, and the workers' set-up errors */
export async function openRunners({ jobs, folder, commit }: RunnersOptions): Promise<Runners> {
  const setup: RunWorkerSetup = {
    space: { pictureBytes, folder, activations: 'disk', activationBytes },
    commit,
  };
  const pool = await createWorkerPool<RunWorkerSetup, RunPlan, RunRecord>({
    script: workerUrl('./run-worker.js', import.meta.url),
    workerData: setup,
    threads: jobs,
  });
  return { run: (plan) => pool.run(plan), close: () => pool.close() };
}
