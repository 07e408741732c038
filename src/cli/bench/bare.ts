import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { workerUrl } from '../../core/worker-url.js';
import type { Side } from './compare.js';

const answerSchema = z.object({ images: z.number(), seconds: z.number() });

/** Runs the bare loop (bare-loop.ts) in a process of its own; images a second. */
async function runBareLoop(args: readonly (string | number)[], images: readonly string[]): Promise<number> {
  const script = fileURLToPath(workerUrl('./bare-loop.js', import.meta.url));
  const child = spawn(process.execPath, [script, ...args.map(String)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.on('error', () => undefined); // it died; its stderr says why
  child.stdin.end(images.join('\n'));
  const [out, problem, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) {
    const lines = problem.trim().split('\n');
    const reason = lines.find((line) => /^\w*Error\b/.test(line.trim())) ?? lines[0];
    throw new KindredError('internal', `the bare loop failed: ${reason?.trim() || `exit ${code}`}`);
  }
  const { images: count, seconds } = answerSchema.parse(JSON.parse(out));
  return count / seconds;
}

export interface BareContext {
  readonly model: { readonly onnxPath: string; readonly inputSize: number };
  readonly threads: number;
  readonly images: readonly string[];
}

/** The bare loop's ways to use the threads: all in one session, or a session each; one picture at a time, or eight. */
export function bareLoops({ model, threads, images }: BareContext): Record<string, Side> {
  const shapes = threads === 1 ? [[1, 1]] : [[1, threads], [threads, 1]]; // prettier-ignore
  const loops: Record<string, Side> = {};
  for (const [sessions = 1, within = 1] of shapes) {
    for (const batch of [1, 8]) {
      loops[`sessions ${sessions}, threads ${within}, batch ${batch}`] = () =>
        runBareLoop([model.onnxPath, model.inputSize, sessions, within, batch], images);
    }
  }
  return loops;
}
