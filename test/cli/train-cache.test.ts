import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { writePictures } from '../data/helpers.js';

interface Outcome {
  readonly exit: number | null;
  readonly stderr: string;
  /** Of the model, when there is one. */
  readonly fingerprint: string | null;
}

let base = '';
const path = (...parts: string[]): string => join(base, ...parts);

/** The real binary, with a stem worker ended `deaths` times. */
function kindred(words: readonly string[], deaths = 0): Promise<Outcome> {
  const preload = deaths > 0 ? ['--import', './test/cli/end-stem-workers.js'] : [];
  const env = { ...process.env, KINDRED_TEST_DEATHS: String(deaths), KINDRED_CACHE: path('cache') };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...preload, 'bin/kindred.js', ...words], { env }, (_, stdout, stderr) => {
      const printed = /^\{/.test(stdout) ? z.looseObject({ fingerprint: z.string() }).parse(JSON.parse(stdout)) : null;
      resolve({ exit: child.exitCode, stderr, fingerprint: printed?.fingerprint ?? null });
    });
  });
}

const options = [
  '--input-size',
  '32',
  '--classes-per-batch',
  '4',
  '--images-per-class',
  '2',
  '--dim',
  '8',
  '--threads',
  '1',
];
const train = (out: string, more: readonly string[], deaths = 0): Promise<Outcome> =>
  kindred(
    [
      'train',
      '--data',
      path('data'),
      '--out',
      path(out),
      ...options,
      '--train-from',
      'block_12_expand',
      '--steps',
      '6',
      '--json',
      ...more,
    ],
    deaths,
  );

let memory: Outcome | undefined;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-cache-'));
  const names = Array.from({ length: 48 }, (_, i) => `class-${Math.floor(i / 6)}/${i % 6}.jpg`);
  await writePictures(path('photos'), names);
  await kindred(['data', 'prepare', 'folder', '--from', path('photos'), '--out', path('data'), '--seed', '0']);
  memory = await train('memory', ['--cache', 'memory']);
});
afterAll(() => rm(base, { recursive: true, force: true }));

const slotFiles = async (folder = 'cache'): Promise<string[]> =>
  (await readdir(path(folder), { recursive: true })).filter((name) => name.endsWith('.slots'));

const disk = ['--cache', 'disk', '--cache-size', '4MiB'];

describe('kindred train --cache', () => {
  test('disk gives the numbers of memory: cold, and warm but damaged; in KINDRED_CACHE', async () => {
    const cold = await train('disk', disk);
    const [file = ''] = await slotFiles();
    const whole = await readFile(path('cache', file));
    for (let at = 0; at < whole.length; at += 5000) whole.writeUInt8(whole.readUInt8(at) ^ 1, at);
    await writeFile(path('cache', file), whole.subarray(0, Math.ceil(whole.length * 0.7)));
    const damaged = await train('damaged', disk);
    expect([memory?.exit, cold.exit, damaged.exit]).toEqual([0, 0, 0]);
    expect(memory?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    for (const { fingerprint } of [cold, damaged]) expect(fingerprint).toBe(memory?.fingerprint);
    expect(await slotFiles()).toEqual([file]);
  });

  test('off has endless views, and another number of views is another run', async () => {
    const off = await train('off', []);
    const views = await train('views', ['--cache', 'memory', '--cache-views', '2', '--picture-memory', '0']);
    expect(new Set([off.fingerprint, views.fingerprint, memory?.fingerprint]).size).toBe(3);
    expect([off.exit, views.exit]).toEqual([0, 0]);
    expect((await readdir(path('cache'))).filter((name) => name !== 'activations')).toEqual([]);
  });

  test('in a folder that cannot be used warns, and goes on to the same model', async () => {
    await writeFile(path('file'), '');
    const { exit, stderr, fingerprint } = await train('nowhere', ['--cache', 'disk', '--cache-dir', path('file')]);
    expect(stderr).toContain('nothing is cached');
    expect([exit, fingerprint]).toEqual([0, memory?.fingerprint]);
  });

  test('refuses a size that is none', async () => {
    const { exit, stderr } = await train('refused', ['--cache', 'disk', '--cache-size', '2 parsecs']);
    expect(stderr).toContain('error [invalid-option]: --cache-size: must be a size');
    expect(exit).toBe(2);
  });
});

describe('a stem worker that dies', () => {
  test('once is replaced, and the model is the same', async () => {
    const { exit, stderr, fingerprint } = await train('once', ['--cache', 'memory'], 1);
    expect([exit, fingerprint]).toEqual([0, memory?.fingerprint]);
    expect(stderr).not.toContain('error');
  });

  test('again over the same job ends the run with a checkpoint that goes on to the same model', async () => {
    const { exit, stderr } = await train('twice', ['--cache', 'memory'], 4);
    expect(stderr).toMatch(/error \[worker-died\]: .*\n {2}.*--resume/);
    expect(exit).toBe(1);
    expect(await readdir(path('twice.training'))).toContain('checkpoint.bin');
    const resumed = await train('twice', ['--cache', 'memory', '--resume']);
    expect(resumed.stderr).not.toContain('nothing to resume');
    expect([resumed.exit, resumed.fingerprint]).toEqual([0, memory?.fingerprint]);
  });
});
