import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../core/files.js';
import { createRandom } from '../../core/random.js';
import { concatenate } from '../../core/vectors.js';
import type { DatasetItem } from '../../data/dataset.js';
import { decodeImage } from '../../data/decode.js';
import { augment } from '../../data/pixels.js';
import { createClassSampler } from '../../data/samplers/class.js';
import type { Sampler } from '../../data/samplers/sampler.js';
import type { Backbone } from '../../learn/backbones/backbone.js';
import { headParameters, withHead } from '../../learn/head.js';
import { viewSeed } from '../../learn/stem/views.js';
import { splitBefore } from '../../model/surgery.js';
import { describeNetwork, networkFileSchema } from './train-network-file.js';

/** As kindred train's defaults. */
const dimension = 128;
const learningRate = 1e-4;
const headRate = 3;
const margin = 0.5;
const jitter = 0.2;
/** Steps that both sides take on the same pixels before anything is timed. */
const checkSteps = 3;

const jobSchema = z.object({
  threads: z.number(),
  classesPerBatch: z.number(),
  imagesPerClass: z.number(),
  inputSize: z.number(),
  /** Side of the decoded pictures that training views are cut from. */
  cacheSize: z.number(),
  /** First layer that learns, or 'all'. */
  trainFrom: z.string(),
  scale: z.object({ multiply: z.number(), add: z.number() }),
  margin: z.number(),
  learningRate: z.number(),
  headRate: z.number(),
  /** Names of the parameters that learn at headRate times the rate. */
  head: z.array(z.string()),
  seed: z.number(),
  /** Length of the learning rate's schedule. */
  steps: z.number(),
  checkSteps: z.number(),
  /** Steps of one try while PyTorch's side looks for its fastest way. */
  tuneSteps: z.number(),
  pictures: z.array(z.object({ id: z.string(), path: z.string() })),
  stem: networkFileSchema,
  rest: networkFileSchema,
});
/** What both sides of `bench train` are told: `job.json`. */
export type TrainJob = z.infer<typeof jobSchema>;

export interface TrainJobOptions {
  readonly backbone: Backbone;
  readonly trainFrom: string;
  readonly inputSize: number;
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
  readonly threads: number;
  readonly tuneSteps: number;
  /** Paths of pictures; taken in turn until there are `count`. */
  readonly images: readonly string[];
  /** Pictures to train on, at least a batch. */
  readonly count: number;
}

/** What a step trains on: classes of imagesPerClass pictures in a row. Speed does not ask what is in them. */
export function samplerOf(job: Pick<TrainJob, 'pictures' | 'classesPerBatch' | 'imagesPerClass' | 'seed'>): Sampler {
  const items = job.pictures.map(({ id, path }, index): DatasetItem => {
    return { id, path, label: `${Math.floor(index / job.imagesPerClass)}`, split: 'train', metadata: {} };
  });
  return createClassSampler({ ...job, items });
}

/**
 * Writes job.json, weights.f32, pixels.u8 (the decoded pictures) and check.u8 (the training views of the first steps) into
 * a folder: everything that scripts/compare/torch_train.py needs to train the same.
 */
export async function writeTrainJob(folder: string, options: TrainJobOptions): Promise<TrainJob> {
  const { backbone, trainFrom, inputSize, classesPerBatch, imagesPerClass, images } = options;
  const network = withHead(backbone.network(inputSize), dimension, 0);
  const { stem, rest } = splitBefore(network, trainFrom === 'all' ? (network.nodes[0]?.layers[0] ?? '') : trainFrom);
  const values: Float32Array[] = [];
  const whole = Math.floor(options.count / imagesPerClass) * imagesPerClass;
  const job: TrainJob = {
    threads: options.threads,
    classesPerBatch,
    imagesPerClass,
    inputSize,
    cacheSize: Math.round((inputSize * 7) / 6),
    trainFrom,
    scale: backbone.scale,
    margin,
    learningRate,
    headRate,
    head: [...headParameters],
    seed: 0,
    steps: 1_000_000,
    checkSteps,
    tuneSteps: options.tuneSteps,
    pictures: Array.from({ length: whole }, (_, i) => {
      const path = images[i % images.length] ?? '';
      return { id: `${i}/${basename(path)}`, path };
    }),
    stem: describeNetwork(stem, values),
    rest: describeNetwork(rest, values),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'job.json'), JSON.stringify(job));
  await writeFile(join(folder, 'weights.f32'), concatenate(values));
  const decoded = new Map<string, Uint8Array>();
  for (const { path } of job.pictures) {
    if (!decoded.has(path)) decoded.set(path, (await decodeImage({ path }, { size: job.cacheSize })).data);
  }
  const pixels = job.pictures.map(({ path }) => decoded.get(path) ?? new Uint8Array(0));
  await writeFile(join(folder, 'pixels.u8'), Buffer.concat(pixels));
  await writeFile(join(folder, 'check.u8'), Buffer.concat(checkViews(job, pixels)));
  return job;
}

/** What the stem workers cut from the pictures of the first steps. */
function checkViews(job: TrainJob, pixels: readonly Uint8Array[]): Uint8Array[] {
  const sampler = samplerOf(job);
  return Array.from({ length: checkSteps }, (_, step) =>
    sampler.next(step).indices.map((index, slot) => {
      const image = { data: pixels[index] ?? new Uint8Array(0), width: job.cacheSize, height: job.cacheSize };
      const random = createRandom(viewSeed(job.seed, step, slot, job.pictures[index]?.id ?? ''));
      return augment(image, { size: job.inputSize, random, jitter });
    }),
  ).flat();
}

export interface ReadJob {
  readonly job: TrainJob;
  readonly weights: Float32Array;
}

/** @throws KindredError file-not-found, invalid-json */
export async function readTrainJob(folder: string): Promise<ReadJob> {
  const job = jobSchema.parse(await readJson(join(folder, 'job.json')));
  const bytes = await readFile(join(folder, 'weights.f32'));
  const weights = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return { job, weights };
}
