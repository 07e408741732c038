import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type request from 'supertest';
import { expect } from 'vitest';
import { sha256 } from '../../src/core/hashing.js';
import { inspectUpload } from '../../src/data/upload.js';
import { auditCatalogue, createPictureHasher } from '../../src/evaluate/audit/catalogue.js';
import type { NewItem } from '../../src/indexing/catalogue.js';
import { createSearch } from '../../src/search/search.js';
import { createAccess } from '../../src/server/access/access.js';
import { createApp, type ServerApp } from '../../src/server/app.js';
import type { AppDeps } from '../../src/server/deps.js';
import { problemSchema, type ApiModel, type ApiProblem } from '../../src/server/schemas/api.js';
import { fakeCatalogue, fakeEmbedder, meanColour, type FakeEmbedder } from './fakes.js';

export const model: ApiModel = {
  fingerprint: 'f'.repeat(64),
  dimension: 3,
  inputSize: 96,
  backbone: 'mean colour',
  loss: 'contrastive',
  densityTerm: 'gate',
  metrics: { 'recall@1': 0.9 },
  dataset: 'colours',
  madeBy: '0.1.0',
};

export type Colour = readonly [number, number, number];

/** A picture of one colour, or of two: left and right half. */
export async function picture(left: Colour, right: Colour = left, format: 'png' | 'jpeg' = 'png'): Promise<Buffer> {
  const [width, height] = [64, 48];
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) pixels.set(i % width < width / 2 ? left : right, i * 3);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    [format]()
    .toBuffer();
}

/** id → picture and what is stored with it. Some ids are as odd as ids may be. */
export const colours: Readonly<Record<string, { left: Colour; right?: Colour; category: string; price: number }>> = {
  'fruit/cherry 1.png': { left: [200, 10, 30], category: 'fruit', price: 3 },
  'fruit/cherry 2.png': { left: [210, 20, 40], category: 'fruit', price: 4 },
  'leaf?#&=+%2F.png': { left: [20, 200, 30], category: 'leaf', price: 3 },
  'ünï/漢字 "q" <b>.png': { left: [20, 20, 220], category: 'sky', price: 5 },
  'half.png': { left: [200, 10, 30], right: [20, 20, 220], category: 'sky', price: 6 },
};

export interface World {
  readonly folder: string;
  readonly items: readonly NewItem[];
  readonly embedder: FakeEmbedder;
  readonly app: ServerApp;
  /** The same world behind another app. */
  withApp(changes: Partial<AppDeps>): ServerApp;
  close(): Promise<void>;
}

/** A small catalogue with real picture files, searched by mean colour, and an item without a picture. */
export async function createWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-server-'));
  const items: NewItem[] = [];
  for (const [id, { left, right, category, price }] of Object.entries(colours)) {
    const imagePath = join(folder, `${items.length}.png`);
    const bytes = await picture(left, right);
    await writeFile(imagePath, bytes);
    const { embedding, width, height } = await meanColour({ image: { bytes } });
    const contentHash = sha256(bytes);
    const label = category === 'fruit' ? 'cherry' : null;
    items.push({ id, label, metadata: { category, price }, imagePath, width, height, contentHash, embedding });
  }
  const embedding = Float32Array.of(0, 0, 1);
  const bare = { imagePath: null, width: null, height: null, contentHash: 'a'.repeat(64), embedding };
  items.push({ id: 'vector only', label: null, metadata: {}, ...bare });
  const embedder = fakeEmbedder();
  const catalogue = fakeCatalogue(items);
  const withApp = (changes: Partial<AppDeps>): ServerApp =>
    createApp({
      search: createSearch({ catalogue, embedder }),
      catalogue,
      model,
      access: createAccess({ keylessWrites: true }),
      inspect: inspectUpload,
      audit: () => auditCatalogue(catalogue, { hashPicture: createPictureHasher() }),
      ...changes,
    });
  const close = () => rm(folder, { recursive: true });
  return { folder, items, embedder, app: withApp({}), withApp, close };
}

/** Checks that an answer is a problem with this code, in the right form and without a path, and gives its body. */
export function expectProblem(response: request.Response, status: number, code: string, field?: string): ApiProblem {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = problemSchema.parse(response.body);
  expect({ status: response.status, code: problem.code, field: problem.field }).toEqual({ status, code, field });
  expect(problem.status).toBe(status);
  expect(response.text).not.toContain(tmpdir());
  expect(response.text).not.toContain(process.cwd());
  return problem;
}

export function itemUrl(id: string, tail = ''): string {
  return `/v1/items/${encodeURIComponent(id)}${tail}`;
}
