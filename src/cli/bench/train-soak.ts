import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { makePictures } from './images.js';
import { describeMachine } from './machine.js';
import { writeTrainJob } from './train-job.js';
import { benchBackbone } from './train-network.js';
import { startOurSide } from './train-sides.js';

export interface Sample {
  readonly step: number;
  readonly rssMiB: number;
  /** TF.js's tensors. */
  readonly tensors: number;
}

/** From this step on nothing may grow: all caches are full and V8 has compiled what is hot. */
export const soakStart = 50;
const every = 100;

/** The steps after which memory is read: 50, then every 100, then the last. */
export function sampleSteps(steps: number): number[] {
  const hundreds = Array.from({ length: Math.floor(steps / every) }, (_, i) => (i + 1) * every);
  return [...new Set([soakStart, ...hundreds, steps])].filter((step) => step <= steps);
}

export interface Growth {
  /** Tensors more than at step 50. */
  readonly tensors: number;
  /** Share of the memory at step 50. */
  readonly rss: number;
  readonly met: boolean;
}

/** From the first sample to the last. Goal: no tensor, and at most 2 % more memory. */
export function growthOf(samples: readonly Sample[]): Growth {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return { tensors: NaN, rss: NaN, met: false };
  const tensors = last.tensors - first.tensors;
  return { tensors, rss: last.rssMiB / first.rssMiB - 1, met: tensors === 0 && last.rssMiB <= first.rssMiB * 1.02 };
}

export interface SoakOptions {
  readonly steps: number;
  readonly inputSize: number;
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
  readonly threads: number;
  readonly backend: string;
  /** A line of JSON is added for each sample, and one for the result. */
  readonly out: string;
  readonly say: (line: string) => void;
}

/** Takes many training steps (part learns, generated pictures and weights) in a process of its own and watches its memory. */
export async function soakTraining(options: SoakOptions): Promise<Growth> {
  const { steps, out, say, backend, ...sizes } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'kindred-soak-'));
  await mkdir(dirname(out), { recursive: true });
  const write = async (entry: object): Promise<void> => {
    await appendFile(out, `${JSON.stringify(entry)}\n`);
    say(JSON.stringify(entry));
  };
  try {
    const images = await makePictures(join(scratch, 'images'), 64);
    const backbone = await benchBackbone(undefined, undefined);
    const count = Math.max(images.length, sizes.classesPerBatch * sizes.imagesPerClass);
    const trainFrom = backbone.trainFrom ?? 'all';
    await writeTrainJob(scratch, { ...sizes, backbone, trainFrom, images, count, tuneSteps: 1 });
    await write({
      soak: { steps, backend, trainFrom, ...sizes },
      machine: await describeMachine({ withTorch: false }),
    });
    const side = startOurSide(scratch, { backend });
    const samples: Sample[] = [];
    try {
      let done = 0;
      for (const step of sampleSteps(steps)) {
        const { rssMiB, tensors } = await side.steps(step - done);
        done = step;
        const sample = { step, rssMiB: Math.round(rssMiB * 10) / 10, tensors };
        samples.push(sample);
        await write(sample);
      }
    } finally {
      await side.stop();
    }
    const growth = growthOf(samples);
    await write({ growth });
    return growth;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
