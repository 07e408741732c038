import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import type { Embedder, EmbedOutcome, EmbedRequest } from '../../src/core/embedder.js';
import { KindredError } from '../../src/core/errors.js';
import { sha256 } from '../../src/core/hashing.js';
import { createRandom, gaussian } from '../../src/core/random.js';
import { l2Normalize } from '../../src/core/vectors.js';
import { readFile } from 'node:fs/promises';

/** A folder that is gone when the test is. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-indexing-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Unit vectors in clusters, as embeddings of labelled pictures are. */
export function clustered(count: number, dimension: number, clusters: number, seed: number): Float32Array[] {
  const random = createRandom(seed);
  const draw = (): Float32Array => Float32Array.from({ length: dimension }, () => gaussian(random));
  const centres = Array.from({ length: clusters }, draw);
  return Array.from({ length: count }, (_, i) => {
    const noise = draw();
    const centre = centres[i % clusters] ?? noise;
    return l2Normalize(noise.map((value, j) => 0.5 * value + (centre[j] ?? 0)));
  });
}

export interface FakeEmbedder extends Embedder {
  /** Paths embedded so far, in order. */
  readonly embedded: string[];
  /** The most calls that ran at a time. */
  readonly busiest: () => number;
}

/** A real embedding of real pixels, cheap: the picture shrunk to 2 × 2 colours. */
export function colourEmbedder(options: { fingerprint?: string; onEmbed?: () => void } = {}): FakeEmbedder {
  const embedded: string[] = [];
  let running = 0;
  let busiest = 0;
  const embedOne = async ({ image }: EmbedRequest): Promise<EmbedOutcome> => {
    const bytes = 'path' in image ? await readFile(image.path) : Buffer.from(image.bytes);
    if ('path' in image) embedded.push(image.path);
    try {
      const { width, height } = await sharp(bytes).metadata();
      const pixels = await sharp(bytes)
        .removeAlpha()
        .toColourspace('srgb')
        .resize(2, 2, { fit: 'fill' })
        .raw()
        .toBuffer();
      const embedding = l2Normalize(Float32Array.from(pixels, (value) => value + 1));
      return { ok: true, embedding, width, height, contentHash: sha256(bytes) };
    } catch (cause) {
      return { ok: false, error: new KindredError('image-unreadable', 'it cannot be decoded', { cause }) };
    }
  };
  return {
    dimension: 12,
    fingerprint: options.fingerprint ?? 'colours',
    preferredBatch: 4,
    embedded,
    busiest: () => busiest,
    async embed(requests) {
      busiest = Math.max(busiest, ++running);
      options.onEmbed?.();
      try {
        return await Promise.all(requests.map(embedOne));
      } finally {
        running--;
      }
    },
    close: () => Promise.resolve(),
  };
}

/** Writes a one-colour picture. */
export async function paint(path: string, colour: { r: number; g: number; b: number }): Promise<void> {
  await sharp({ create: { width: 8, height: 6, channels: 3, background: colour } }).toFile(path);
}
