import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { exists } from '../../core/files.js';
import { workerUrl } from '../../core/worker-url.js';
import { startLineProcess } from './train-process.js';
import type { Torch } from './train-python.js';

const memory = { peakMiB: z.number(), rssMiB: z.number() };

/** What our side (train-side.ts) says about some steps. */
export const ourStepsSchema = z.object({
  ...memory,
  losses: z.array(z.number()),
  seconds: z.number(),
  /** Share of the time outside kernels and stem workers, 0 … 1. */
  overhead: z.number(),
  /** Milliseconds of all steps: in training kernels, and waiting for pictures. */
  kernelMs: z.number(),
  waitMs: z.number(),
  /** TF.js's tensors after the last step. */
  tensors: z.number(),
});
export type OurSteps = z.infer<typeof ourStepsSchema>;

export const checkSchema = z.object({ ...memory, losses: z.array(z.number()) });
export const tuneSchema = z.object({
  ...memory,
  ways: z.array(z.string()).min(1),
  tried: z.record(z.string(), z.number()),
});
export const theirStepsSchema = z.object({ ...memory, seconds: z.number() });

/** One of our sides in a process of its own: it checks, then takes steps. Stop it. */
export interface OurSide {
  check(): Promise<OurSteps>;
  steps(count: number): Promise<OurSteps>;
  stop(): Promise<void>;
}

export interface OurSideOptions {
  readonly backend: string;
  /** Pieces that a batch is computed in. */
  readonly pieces?: number;
  /** Keep the stem's activations. */
  readonly cached?: boolean;
}

export function startOurSide(folder: string, { backend, pieces = 1, cached = false }: OurSideOptions): OurSide {
  const script = fileURLToPath(workerUrl('./train-side.js', import.meta.url));
  const side = startLineProcess('kindred’s side', process.execPath, [
    script,
    folder,
    backend,
    `${pieces}`,
    cached ? 'cached' : 'uncached',
  ]);
  return {
    check: () => side.ask({ do: 'check' }, ourStepsSchema),
    steps: (count) => side.ask({ do: 'steps', count }, ourStepsSchema),
    stop: () => side.stop(),
  };
}

const torchScript = fileURLToPath(new URL('../../../scripts/compare/torch_train.py', import.meta.url));

/** Why PyTorch's side cannot run from this installation, or undefined. */
export async function torchScriptMissing(): Promise<string | undefined> {
  return (await exists(torchScript)) ? undefined : `there is no ${torchScript}: it comes with kindred’s repository`;
}

export interface TorchSide {
  check(): Promise<z.infer<typeof checkSchema>>;
  tune(): Promise<z.infer<typeof tuneSchema>>;
  steps(way: string, count: number): Promise<z.infer<typeof theirStepsSchema>>;
  stop(): Promise<void>;
}

export function startTorchSide(folder: string, torch: Torch): TorchSide {
  const side = startLineProcess('PyTorch’s side', torch.python, [torchScript, folder]);
  return {
    check: () => side.ask({ do: 'check' }, checkSchema),
    tune: () => side.ask({ do: 'tune' }, tuneSchema),
    steps: (way, count) => side.ask({ do: 'steps', way, count }, theirStepsSchema),
    stop: () => side.stop(),
  };
}
