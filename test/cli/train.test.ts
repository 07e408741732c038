import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let base = '';
const path = (...parts: string[]): string => join(base, ...parts);

function kindred(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['bin/kindred.js', ...words], (_, stdout, stderr) => {
      resolve({ exit: child.exitCode, stdout, stderr });
    });
  });
}

const shapes = [
  '<circle cx="24" cy="24" r="SIZE" fill="COLOUR"/>',
  '<rect x="8" y="8" width="SIZE" height="30" fill="COLOUR"/>',
];
const colours = ['#d22', '#2a2', '#22d', '#cc2'];

/** Eight classes (a shape in a colour) of six drawings that differ in size. */
async function drawShapes(folder: string, classes = 8): Promise<void> {
  for (let c = 0; c < classes; c++) {
    await mkdir(join(folder, `class-${c}`), { recursive: true });
    for (let i = 0; i < 6; i++) {
      const shape = (shapes[c % 2] ?? '').replace('SIZE', String(8 + 2 * i)).replace('COLOUR', colours[c >> 1] ?? '');
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><rect width="48" height="48" fill="#eee"/>${shape}</svg>`;
      await sharp(Buffer.from(svg))
        .png()
        .toFile(join(folder, `class-${c}`, `${i}.png`));
    }
  }
}

const small = ['--input-size', '32', '--classes-per-batch', '4', '--images-per-class', '2', '--dim', '8'];
const cheap = [...small, '--threads', '1', '--train-from', 'block_12_expand', '--steps', '6'];
const train = (out: string, ...more: string[]): Promise<Outcome> =>
  kindred('train', '--data', path('data'), '--out', path(out), ...cheap, ...more);

const bundleSchema = z.looseObject({
  fingerprint: z.string(),
  dimension: z.number(),
  inputSize: z.number(),
  metrics: z.record(z.string(), z.number()),
  dataset: z.looseObject({ trainClasses: z.array(z.string()) }),
});
const bundleOf = async (out: string) =>
  bundleSchema.parse(JSON.parse(await readFile(path(out, 'bundle.json'), 'utf8')));

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-train-'));
  await drawShapes(path('shapes'));
  for (const seed of ['0', '1']) {
    const out = path(seed === '0' ? 'data' : 'data-other-split');
    const prepared = await kindred('data', 'prepare', 'folder', '--from', path('shapes'), '--out', out, '--seed', seed);
    expect(prepared.exit).toBe(0);
  }
});
afterAll(() => rm(base, { recursive: true, force: true }));

describe('kindred train', () => {
  let fingerprint = '';

  test('writes a bundle with its history and says what it did', async () => {
    const { exit, stdout, stderr } = await train('model');
    expect(stderr).toContain('training: 6/6 steps');
    expect(stderr).not.toContain('TensorFlow');
    expect(exit).toBe(0);
    const bundle = await bundleOf('model');
    fingerprint = bundle.fingerprint;
    expect(bundle).toMatchObject({ dimension: 8, inputSize: 32 });
    expect(bundle.dataset.trainClasses).toHaveLength(4);
    expect(stdout).toContain('Trained contrastive + gate on 24 images of 4 classes: 6 steps');
    expect(stdout).toContain(`fingerprint ${fingerprint.slice(0, 12)}`);
    const lines = (await readFile(path('model', 'history.jsonl'), 'utf8')).trimEnd().split('\n');
    const steps = lines.map(
      (line) => z.looseObject({ step: z.number(), loss: z.number() }).parse(JSON.parse(line)).step,
    );
    expect(steps).toEqual([3, 6]);
    expect((await readdir(base)).filter((name) => name.startsWith('model'))).toEqual(['model']);
  });

  test('gives the same numbers again, and a new seed others', async () => {
    const again = await train('again', '--json');
    const printed = z.looseObject({ fingerprint: z.string(), parity: z.number() }).parse(JSON.parse(again.stdout));
    expect(printed.fingerprint).toBe(fingerprint);
    expect(printed.parity).toBeGreaterThan(0.9999);
    await train('seed', '--seed', '1');
    expect((await bundleOf('seed')).fingerprint).not.toBe(fingerprint);
  });

  test('learns a head alone', async () => {
    const { exit, stdout } = await train('head', '--train-from', 'embedding', '--steps', '2');
    expect(stdout).toContain('from embedding');
    expect(exit).toBe(0);
  });
});

/** Starts a run and interrupts it once its first epoch is written down. */
async function interrupted(out: string, ...more: string[]): Promise<Outcome> {
  const words = ['train', '--data', path('data'), '--out', path(out), ...cheap, ...more];
  const child = spawn(process.execPath, ['bin/kindred.js', ...words]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const watch = setInterval(() => {
    const history = path(`${out}.training`, 'history.jsonl');
    if (!existsSync(history) || statSync(history).size === 0) return;
    clearInterval(watch);
    child.kill('SIGINT');
  }, 20);
  await once(child, 'close');
  clearInterval(watch);
  return { exit: child.exitCode, stdout, stderr };
}

describe('an interrupted run', () => {
  const steps = ['--steps', '60'];

  test('leaves a checkpoint that goes on to the same model', async () => {
    const { exit, stderr } = await interrupted('stopped', ...steps);
    expect(stderr).toMatch(/error \[interrupted\]: stopped after \d+ of 60 steps\n {2}.*--resume/);
    expect(exit).toBe(130);
    expect(await readdir(path('stopped.training'))).toEqual(['checkpoint.bin', 'history.jsonl']);
    expect(await readdir(base)).not.toContain('stopped');

    for (const other of [
      ['--margin', '0.4'],
      ['--seed', '1'],
      ['--data', path('data-other-split')],
    ]) {
      const refused = await train('stopped', ...steps, '--resume', ...other);
      expect(refused.stderr).toContain('error [checkpoint-invalid]');
      expect(refused.exit).toBe(1);
    }

    const resumed = await train('stopped', ...steps, '--resume');
    expect(resumed.exit).toBe(0);
    expect(await readdir(base)).not.toContain('stopped.training');
    const whole = await train('whole', ...steps);
    expect(whole.exit).toBe(0);
    expect((await bundleOf('stopped')).fingerprint).toBe((await bundleOf('whole')).fingerprint);
  });

  test('goes on with the memory and the class means it had', async () => {
    const options = [
      ...['--steps', '30', '--loss', 'supcon', '--memory', '20'],
      ...['--sampler', 'hard-class', '--classes-per-batch', '2'],
    ];
    expect((await interrupted('stopped-memory', ...options)).stderr).toContain('error [interrupted]');
    expect((await train('stopped-memory', ...options, '--resume')).exit).toBe(0);
    expect((await train('whole-memory', ...options)).exit).toBe(0);
    expect((await bundleOf('stopped-memory')).fingerprint).toBe((await bundleOf('whole-memory')).fingerprint);
  });

  test('with nothing to resume starts from the beginning and says so', async () => {
    const { exit, stderr } = await train('fresh', '--resume', '--steps', '1');
    expect(stderr).toContain('nothing to resume');
    expect(exit).toBe(0);
  });

  test('with a damaged checkpoint is refused, and the checkpoint kept', async () => {
    await mkdir(path('damaged.training'));
    await writeFile(path('damaged.training', 'checkpoint.bin'), 'damaged');
    const { exit, stderr } = await train('damaged', '--resume');
    expect(stderr).toContain('error [checkpoint-invalid]');
    expect(exit).toBe(1);
    expect(await readdir(path('damaged.training'))).toEqual(['checkpoint.bin']);
  });
});

describe('kindred train refuses', () => {
  test.each<[string[], number, string]>([
    [['--loss', 'tripplet'], 2, 'unknown loss "tripplet" (did you mean "triplet"?)'],
    [['--regularizer', 'gat'], 2, 'unknown regularizer "gat" (did you mean "gate"?)'],
    [['--regularizer', 'gate+band:-1'], 2, 'the λ of band is -1, it must be a number of 0 … 1000'],
    [['--regularizer', 'neighbour', '--lambda', '-0.1'], 2, '--lambda: must be at least 0'],
    [['--regularizer', 'neighbour', '--images-per-class', '1'], 2, '--images-per-class is 1'],
    [['--lambda-share', '0.1'], 2, '--lambda-share: gate has no penalty'],
    [['--backend', 'wasn'], 2, 'unknown backend "wasn" (did you mean "wasm"?)'],
    [['--backbone', 'mobilenet-v2'], 2, 'unknown backbone "mobilenet-v2"'],
    [['--loss', 'triplet', '--miner', 'semihard'], 2, 'did you mean "semi-hard"?'],
    [['--loss', 'npair', '--memory', '64'], 2, '--memory does not apply to the npair loss'],
    [['--loss', 'triplet', '--miner', 'multi-similarity'], 2, 'Miners that fit: semi-hard, hard, all'],
    [['--sampler', 'hardclass'], 2, 'unknown sampler "hardclass" (did you mean "hard-class"?)'],
    [['--sampler', 'hierarchical'], 2, 'The data set has no metadata: use another sampler'],
    [['--train-from', 'block_12_expnd'], 2, 'did you mean "block_12_expand"?'],
    [['--train-from', 'block_12_project'], 2, '--train-from block_12_'],
    [['--backbone-cut', 'block_99'], 1, '--backbone-cut'],
    [['--input-size', '100'], 2, '--input-size 100 is not a multiple of 32'],
    [['--input-size', '16'], 2, '--input-size: must be at least 32'],
    [['--steps', 'many'], 2, '--steps: must be a number'],
    [['--classes-per-batch', '16'], 1, 'Use --classes-per-batch 4'],
    [['--backbone', './nowhere'], 1, 'there is no backbone at ./nowhere'],
    [['--loss', 'triplet', '--positive-weight', '0.1'], 2, '--positive-weight does not apply to'],
    [['--data', '/nowhere'], 1, '/nowhere'],
  ])('%j', async (words, exit, message) => {
    const before = await readdir(base);
    const outcome = await train('refused', ...words);
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr).not.toContain('[internal]');
    expect(outcome.exit).toBe(exit);
    expect(await readdir(base)).toEqual(before);
  });

  test('a PATH without its pixel scale, which a bundle’s own model can be', async () => {
    const refused = await train('refused', '--backbone', path('model', 'model.json'));
    expect(refused.stderr).toContain('needs --backbone-scale');
    expect(refused.exit).toBe(2);
    const vector = await train('refused', '--backbone', path('model', 'model.json'), '--backbone-scale', 'zero-to-one');
    expect(vector.stderr).toContain('Cut it before its pooling with --backbone-cut');
    const taken = [
      '--backbone',
      path('model'),
      '--backbone-scale',
      'zero-to-one',
      '--backbone-cut',
      'block_13_expand_relu',
    ];
    const trained = await train('own', ...taken, '--steps', '1');
    expect(trained.exit).toBe(0);
  });

  test('to write over what is no model', async () => {
    const { exit, stderr } = await train('shapes');
    expect(stderr).toContain('error [output-exists]');
    expect(exit).toBe(1);
    expect(await readdir(path('shapes'))).toHaveLength(8);
  });
});
