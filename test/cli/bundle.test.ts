import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encoderOptions, importOptions } from '../../src/cli/commands/bundle.js';
import { parseOptions } from '../../src/config/parse.js';
import { meanColour, tokenEncoder } from '../model/import/encoders.js';

interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function kindred(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['bin/kindred.js', ...words], (_, stdout, stderr) => {
      resolve({ exit: child.exitCode, stdout, stderr });
    });
  });
}
async function good(...words: string[]): Promise<string> {
  const { exit, stdout, stderr } = await kindred(...words);
  expect(exit, stderr).toBe(0);
  return stdout;
}

let base = '';
const path = (...parts: string[]): string => join(base, ...parts);

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-import-'));
  for (let hue = 0; hue < 12; hue++) {
    await mkdir(path('photos', `hue-${hue}`), { recursive: true });
    for (let shade = 0; shade < 3; shade++) {
      const background = `hsl(${30 * hue + shade}, 80%, 50%)`;
      const picture = sharp({ create: { width: 40, height: 30, channels: 3, background } });
      await picture.png().toFile(path('photos', `hue-${hue}`, `${shade}.png`));
    }
  }
  await writeFile(path('mean.onnx'), meanColour());
  await writeFile(path('tokens.onnx'), tokenEncoder(1));
  await writeFile(path('broken.onnx'), meanColour().slice(0, 150));
  await Promise.all([
    good('data', 'prepare', 'folder', '--from', path('photos'), '--out', path('data')),
    good('bundle', 'import', path('mean.onnx'), '--out', path('mean'), '--preset', 'clip'),
    good('bundle', 'import', path('tokens.onnx'), '--out', path('tokens'), '--preset', 'raw', '--pooling', 'cls'),
  ]);
}, 60_000);
afterAll(() => rm(base, { recursive: true }));

const shown = z.object({
  fingerprint: z.string(),
  dimension: z.number(),
  imported: z.object({ file: z.string(), batch: z.string() }),
  files: z.array(z.object({ name: z.string(), bytes: z.number() })),
});
const comparison = z.object({
  a: z.object({ fingerprint: z.string(), scores: z.record(z.string(), z.number()) }),
  queries: z.number(),
  difference: z.record(z.string(), z.object({ value: z.number(), byClass: z.tuple([z.number(), z.number()]) })),
  verdict: z.string(),
});

describe('an imported encoder', () => {
  it('is shown, for people and as JSON', async () => {
    const [text, json] = await Promise.all([
      good('bundle', 'show', path('mean')),
      good('bundle', 'show', path('tokens'), '--json'),
    ]);
    expect(text).toMatch(/imported +mean\.onnx \(SHA-256 [0-9a-f]{12}\)/);
    expect(text).toMatch(/input +"pixels" uint8 \[N, 20, 20, 3\]/);
    expect(text).toMatch(/trained on +kindred does not know/);
    const { dimension, imported, files } = shown.parse(JSON.parse(json));
    expect([dimension, imported]).toEqual([6, { file: 'tokens.onnx', batch: 'one by one' }]);
    expect(files.map(({ name }) => name)).toEqual(['model.onnx']);
  }, 30_000);

  it('is indexed, searched and evaluated like a trained one', async () => {
    const index = good('index', '--model', path('mean'), '--data', path('data'), '--out', path('index'));
    const evaluated = kindred('eval', '--model', path('mean'), '--data', path('data'), '--recall-at', '1');
    await index;
    const found = await good('search', path('photos', 'hue-3', '0.png'), '--index', path('index'), '--limit', '3');
    expect(found.match(/hue-3\b/g)?.length).toBeGreaterThanOrEqual(3);
    const { exit, stdout, stderr } = await evaluated;
    expect(exit, stderr).toBe(0);
    expect(stdout).toMatch(/Recall@1 +100\.0/);
    expect(stderr).toContain('the model was imported');
  }, 60_000);

  it('is compared with another', async () => {
    const report = comparison.parse(
      JSON.parse(await good('compare', path('mean'), path('tokens'), '--data', path('data'), '--json')),
    );
    expect([report.queries, report.a.scores['recall@1']]).toEqual([18, 1]);
    expect(report.difference['recall@1']?.value).toBeCloseTo(0, 12);
    expect(report.verdict).toMatch(/difference|better/);
  }, 30_000);

  it('has no untrained backbone to compare it with, and none to quantise', async () => {
    const [compared, quantised] = await Promise.all([
      kindred('compare', path('mean'), 'untrained', '--data', path('data')),
      kindred('export', path('mean'), '--quantize', '--data', path('data'), '--out', path('int8')),
    ]);
    expect([compared.exit, compared.stderr]).toEqual([2, expect.stringContaining('there is no untrained backbone')]);
    expect([quantised.exit, quantised.stderr]).toEqual([1, expect.stringContaining('holds no model.json')]);
  }, 30_000);
});

describe('kindred bundle import', () => {
  it('says what is wrong with a file, and leaves nothing behind', async () => {
    const before = readdirSync(base).sort();
    const [broken, missing, occupied] = await Promise.all([
      kindred('bundle', 'import', path('broken.onnx'), '--out', path('new'), '--preset', 'clip'),
      kindred('bundle', 'import', path('nowhere.onnx'), '--out', path('new'), '--preset', 'clip'),
      kindred('bundle', 'import', path('mean.onnx'), '--out', path('photos'), '--preset', 'clip'),
    ]);
    expect([broken.exit, broken.stderr]).toEqual([1, expect.stringContaining('[import-unsupported]')]);
    expect([missing.exit, missing.stderr]).toEqual([1, expect.stringContaining('there is no file')]);
    expect([occupied.exit, occupied.stderr]).toEqual([1, expect.stringContaining('holds files of something else')]);
    expect(readdirSync(base).sort()).toEqual(before);
  }, 30_000);
});

describe('the options of kindred bundle import', () => {
  const options = (flags: Record<string, unknown>) =>
    encoderOptions(parseOptions('bundle import', importOptions, { out: 'o', ...flags }, {}));

  it('are a preset, or a mean and a deviation', () => {
    expect(options({ preset: 'siglip' })).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    expect(options({ mean: '0,0.25,-1', std: '1,2,0.5' })).toMatchObject({ mean: [0, 0.25, -1], std: [1, 2, 0.5] });
  });

  it.each([
    [{}, /how the encoder wants its colours is missing/],
    [{ mean: '0,0,0' }, /colours is missing/],
    [{ preset: 'clip', std: '1,1,1' }, /exclude each other/],
    [{ preset: 'clop' }, /did you mean "clip"/],
    [{ mean: '0,0', std: '1,1,1' }, /--mean: must be three numbers/],
    [{ mean: '0,,0', std: '1,1,1' }, /--mean: must be three numbers/],
    [{ mean: '0,0,0', std: '1,0,1' }, /--std: must be three numbers above 0/],
    [{ preset: 'clip', pooling: 'max' }, /--pooling: must be none, cls, mean/],
    [{ preset: 'clip', inputSize: '4' }, /--input-size: must be at least 8/],
  ])('%o', (flags, message) => {
    expect(() => options(flags)).toThrow(message);
  });
});
