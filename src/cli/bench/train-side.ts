import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { memory } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import type { EngineFactory } from '../../learn/engines/engine.js';
import { engines } from '../../learn/engines/registry.js';
import { createLoss } from '../../learn/losses/registry.js';
import { createObjective } from '../../learn/objective.js';
import { createRegularizer } from '../../learn/regularizers/registry.js';
import { createStepper } from '../../learn/stepper.js';
import { join as joinNetworks } from '../../model/surgery.js';
import { readTrainJob, samplerOf } from './train-job.js';
import { restoreNetwork } from './train-network-file.js';
import { type Interval, overheadShare } from './train-overhead.js';

/**
 * Our side of `bench train`, in a process of its own, so that its memory is its own: the trainer's own steps, told by the
 * same lines on stdin as scripts/compare/torch_train.py.
 *   node dist/cli/bench/train-side.js FOLDER BACKEND PIECES cached|uncached
 */
const commandSchema = z.object({ do: z.enum(['hello', 'check', 'steps']), count: z.number().default(0) });

/** Most memory this process has had, and what it has now, MiB. Where there is no /proc, the first as the system tells it. */
async function memoryMiB(): Promise<{ peakMiB: number; rssMiB: number }> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  // Not resourceUsage().maxRSS where it can be helped: on Linux that starts at what the parent had.
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return { peakMiB: Number(peak) / 1024, rssMiB: process.memoryUsage.rss() / 2 ** 20 };
}

/** An engine that notes when it is at work; the loss, between its two halves, is not its work. */
function watched(factory: EngineFactory, intervals: Interval[]): EngineFactory {
  return async (network, options) => {
    const engine = await factory(network, options);
    return {
      ...engine,
      async gradients(activations, batch, parameters, outputGradient) {
        let started = performance.now();
        const result = await engine.gradients(activations, batch, parameters, async (embeddings) => {
          intervals.push([started, performance.now()]);
          const gradient = await outputGradient(embeddings);
          started = performance.now();
          return gradient;
        });
        intervals.push([started, performance.now()]);
        return result;
      },
    };
  };
}

async function main(): Promise<void> {
  const [folder = '', backend = '', pieces = '1', cache] = process.argv.slice(2);
  const { job, weights } = await readTrainJob(folder);
  const sampler = samplerOf(job);
  const engineAt: Interval[] = [];
  const stemAt: Interval[] = [];
  const stepper = await createStepper({
    ...job,
    network: joinNetworks(restoreNetwork(job.stem, weights), restoreNetwork(job.rest, weights)),
    engine: watched(engines.get(backend), engineAt),
    objective: createObjective({
      loss: createLoss('contrastive', { margin: job.margin }),
      regularizer: createRegularizer('none'),
    }),
    settings: { ...job, accumulate: Number(pieces) },
    batchAt: (step) => sampler.next(step),
    // One view each, so that a pass over the pictures fills the cache.
    views: cache === 'cached' ? 1 : undefined,
    onStemBusy: (start, end) => stemAt.push([start - performance.timeOrigin, end - performance.timeOrigin]),
  });

  let step = 0;
  const steps = async (count: number) => {
    engineAt.length = 0;
    stemAt.length = 0;
    const losses: number[] = [];
    let [kernelMs, waitMs] = [0, 0];
    const from = performance.now();
    for (let i = 0; i < count; i++) {
      const report = await stepper.step(step++);
      losses.push(report.loss);
      kernelMs += report.kernelMs;
      waitMs += report.waitMs;
    }
    const to = performance.now();
    // The batches made ahead are part of what it cost, and none are made while the other side is timed.
    await stepper.settled();
    const seconds = (performance.now() - from) / 1000;
    const overhead = overheadShare({ from, to, engine: engineAt, kernelMs, stem: stemAt });
    return { losses, seconds, overhead, kernelMs, waitMs };
  };

  for await (const line of createInterface({ input: process.stdin })) {
    const command = commandSchema.parse(JSON.parse(line));
    const answer = command.do === 'hello' ? {} : await steps(command.do === 'check' ? job.checkSteps : command.count);
    const { numTensors } = memory();
    process.stdout.write(`${JSON.stringify({ ...answer, ...(await memoryMiB()), tensors: numTensors })}\n`);
  }
  await stepper.close();
}

await main().catch((error: unknown) => {
  const hint = error instanceof KindredError && error.hint !== undefined ? ` ${error.hint}` : '';
  process.stderr.write(`${error instanceof Error ? `Error: ${error.message}.${hint}` : String(error)}\n`);
  process.exit(1);
});
