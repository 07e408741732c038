import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../core/files.js';
import { createRandom, gaussian } from '../../core/random.js';
import type { LabelledRows } from '../../metrics/ranks.js';

/** The size of the test half of Stanford Online Products. */
export const fullSize = { images: 60_502, classes: 11_316, dimension: 128 };

const jobSchema = z.object({ dimension: z.number(), k: z.number() });

export interface EvalJob {
  readonly dimension: number;
  /** Neighbours that are asked for. */
  readonly k: number;
  readonly queries: LabelledRows;
  readonly gallery: LabelledRows;
}

/** Unit vectors scattered about one random direction a class, far enough for MAP@R to be no more than about 0.22. */
function scattered(
  count: number,
  classes: number,
  dimension: number,
  directions: Float32Array,
  seed: string,
): LabelledRows {
  const random = createRandom('bench eval', seed);
  const embeddings = new Float32Array(count * dimension);
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  labels.forEach((label, row) => {
    let sum = 0;
    for (let i = 0; i < dimension; i++) {
      const value = (directions[label * dimension + i] ?? 0) + 1.6 * gaussian(random);
      embeddings[row * dimension + i] = value;
      sum += value * value;
    }
    const own = embeddings.subarray(row * dimension, (row + 1) * dimension);
    own.forEach((value, i) => (own[i] = value / Math.sqrt(sum)));
  });
  return { embeddings, labels };
}

export function makeEvalJob(size: { images: number; classes: number; dimension: number }, queries: number): EvalJob {
  const { images, classes, dimension } = size;
  const random = createRandom('bench eval', 'directions');
  const directions = new Float32Array(classes * dimension).map(() => gaussian(random));
  return {
    dimension,
    k: 10,
    queries: scattered(queries, classes, dimension, directions, 'queries'),
    gallery: scattered(images, classes, dimension, directions, 'gallery'),
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** For scripts/compare/numpy_search.py and eval-side.ts. */
export async function writeEvalJob(folder: string, { dimension, k, queries, gallery }: EvalJob): Promise<void> {
  await writeFile(join(folder, 'job.json'), JSON.stringify({ dimension, k }));
  await writeFile(join(folder, 'queries.f32'), bytesOf(queries.embeddings));
  await writeFile(join(folder, 'gallery.f32'), bytesOf(gallery.embeddings));
  await writeFile(join(folder, 'query-labels.i32'), bytesOf(queries.labels));
  await writeFile(join(folder, 'gallery-labels.i32'), bytesOf(gallery.labels));
}

export async function readEvalJob(folder: string): Promise<EvalJob> {
  const { dimension, k } = jobSchema.parse(await readJson(join(folder, 'job.json')));
  const read = async (name: string): Promise<ArrayBuffer> => new Uint8Array(await readFile(join(folder, name))).buffer;
  const rows = async (name: string, labels: string): Promise<LabelledRows> => ({
    embeddings: new Float32Array(await read(name)),
    labels: new Int32Array(await read(labels)),
  });
  return {
    dimension,
    k,
    queries: await rows('queries.f32', 'query-labels.i32'),
    gallery: await rows('gallery.f32', 'gallery-labels.i32'),
  };
}
