import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { workerUrl } from '../../core/worker-url.js';
import type { BenchResult, PlainBench, SharedContext, Skipped } from './bench.js';
import { compare } from './compare.js';
import { fullSize, makeEvalJob, writeEvalJob } from './eval-job.js';
import { startLineProcess, type LineProcess } from './train-process.js';
import { pythons } from './train-python.js';

const answerSchema = z.object({ seconds: z.number(), value: z.number(), peakMiB: z.number().nullable() });
const helloSchema = z.object({ numpy: z.string(), gflops: z.number() });
const tuneSchema = z.object({ nearest: z.string(), ranking: z.string(), tried: z.record(z.string(), z.number()) });

/** How far the two sides' figures may differ: they break near ties differently, in single and in double precision. */
const tolerance = 1e-3;

interface NumPy {
  readonly process: LineProcess;
  readonly version: string;
  /** Of its matrix product; some builds come without a fast one. */
  readonly gflops: number;
}

/** The Python whose NumPy multiplies fastest. Stop its process. */
async function startNumPy(folder: string, threads: number): Promise<NumPy | undefined> {
  const script = fileURLToPath(new URL('../../../scripts/compare/numpy_search.py', import.meta.url));
  let best: NumPy | undefined;
  for (const python of pythons()) {
    const process = startLineProcess('NumPy', python, [script, folder, String(threads)]);
    try {
      const { numpy: version, gflops } = await process.ask({ do: 'hello' }, helloSchema);
      const [better, worse] = gflops > (best?.gflops ?? 0) ? [{ process, version, gflops }, best] : [best, { process }];
      await worse?.process.stop();
      best = better;
    } catch {
      await process.stop(); // no such Python, or one without NumPy
    }
  }
  return best;
}

const tasks = [
  ['nearest', 'eval.k10-vs-numpy', 'Recall@10'],
  ['ranking', 'eval.full-ranking-vs-numpy', 'MAP@R'],
] as const;

interface EvalBenchSize {
  readonly size: typeof fullSize;
  /** Of one measurement. */
  readonly queryCount: number;
}

async function run(
  { folder, threads, runs, progress, signal }: SharedContext,
  { size, queryCount }: EvalBenchSize,
): Promise<(BenchResult | Skipped)[]> {
  await writeEvalJob(folder, makeEvalJob(size, queryCount));
  const side = fileURLToPath(workerUrl('./eval-side.js', import.meta.url));
  const mine = startLineProcess('kindred', process.execPath, [side, folder, String(threads)]);
  const results: (BenchResult | Skipped)[] = [];
  let numpy: NumPy | undefined;
  try {
    numpy = await startNumPy(folder, threads);
    const tuned = await numpy?.process.ask({ do: 'tune' }, tuneSchema);
    for (const [task, name, measure] of tasks) {
      if (!numpy || !tuned) {
        results.push({ name, skipped: 'no python with NumPy: name one that has it in KINDRED_PYTHON' });
        continue;
      }
      const values = { ours: NaN, theirs: NaN };
      const { process: theirs, version, gflops } = numpy;
      const way = tuned[task];
      const measured = async (who: keyof typeof values, asked: LineProcess): Promise<number> => {
        const { seconds, value } = await asked.ask({ do: task, way, count: queryCount }, answerSchema);
        values[who] = value;
        return queryCount / seconds;
      };
      const result = await compare({
        name: 'eval',
        ours: () => measured('ours', mine),
        theirs: { [way]: () => measured('theirs', theirs) },
        runs,
        progress,
        signal,
      });
      if (!(Math.abs(values.ours - values.theirs) <= tolerance)) {
        const found = `${measure} ${values.ours} against ${values.theirs}`;
        throw new KindredError(
          'internal',
          `the two sides do not find the same, so a ratio would mean nothing: ${found}`,
        );
      }
      results.push({
        name,
        ratio: result.ratio,
        runs,
        goal: { is: 'at least', must: 0.5 },
        note: `${result.ours.toFixed(0)} queries/s against ${result.theirs.toFixed(0)} (NumPy ${version}, ${way}) among ${size.images} × ${size.dimension}; ${measure} ${values.ours.toFixed(4)} on both`,
        detail: { unit: 'queries/s', ...result, values, tried: tuned.tried, numpy: version, gflops },
      });
    }
    if (signal.aborted) throw new KindredError('interrupted', 'bench eval was stopped');
    const { seconds, value, peakMiB } = await mine.ask({ do: 'whole' }, answerSchema);
    results.push({
      name: 'eval.memory-mib',
      value: peakMiB ?? NaN,
      unit: 'MiB',
      runs: 1,
      goal: { is: 'at most', must: 1024 },
      note: `most of all the above and of ${size.images} queries among themselves, every measure, in ${seconds.toFixed(1)} s`,
      detail: { seconds, mapAtR: value, peakMiB },
    });
    return results;
  } finally {
    await Promise.all([mine.stop(), numpy?.process.stop()]);
  }
}

export function createEvalBench(options: EvalBenchSize): PlainBench {
  return {
    summary: 'exact search of the evaluation against NumPy (goal: 0.5), and its memory',
    plain: true,
    run: (context) => run(context, options),
  };
}

export const evalBench = createEvalBench({ size: fullSize, queryCount: 4096 });
