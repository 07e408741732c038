import { availableParallelism } from 'node:os';
import { KindredError } from '../core/errors.js';

/** Images to have in hand at a time: decoding overlaps with reading the next. */
export const imagesAtOnce = Math.max(4, availableParallelism() * 2);

/**
 * Runs `work` over the inputs, a few at a time; results in the order of the inputs. The first failure stops the rest.
 * @throws KindredError interrupted when the signal is aborted, and whatever `work` throws
 */
export async function mapConcurrent<In, Out>(
  inputs: readonly In[],
  work: (input: In, index: number) => Promise<Out>,
  options: {
    readonly signal: AbortSignal;
    readonly done?: (count: number) => void;
    /** Default: `imagesAtOnce`. */
    readonly atOnce?: number | undefined;
  },
): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  let finished = 0;
  let failed = false;
  const runner = async (): Promise<void> => {
    for (;;) {
      const index = next++;
      const input = inputs[index];
      if (input === undefined || failed) return;
      if (options.signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written');
      results[index] = await work(input, index);
      options.done?.(++finished);
    }
  };
  const runners = Array.from({ length: options.atOnce ?? imagesAtOnce }, () =>
    runner().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All of them, so that none is still writing when the caller cleans up.
  const outcomes = await Promise.allSettled(runners);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return results;
}
