import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { calibrationSchema } from '../../src/model/calibration.js';
import { writePictures } from '../data/helpers.js';

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

const printed = z.object({
  calibration: calibrationSchema,
  test: z.array(z.looseObject({ name: z.string() })).nullable(),
});

let trained: Outcome | undefined;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-calibrate-'));
  const names = Array.from({ length: 156 }, (_, i) => `class-${Math.floor(i / 3)}/${i % 3}.jpg`);
  await writePictures(path('photos'), names);
  await kindred('data', 'prepare', 'folder', '--from', path('photos'), '--out', path('data'));
  const options = ['--steps', '2', '--input-size', '32', '--dim', '8', '--train-from', 'embedding', '--threads', '1'];
  trained = await kindred('train', '--data', path('data'), '--out', path('model'), ...options);
  await kindred('index', '--data', path('data'), '--model', path('model'), '--out', path('index'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

describe('kindred calibrate', () => {
  test('kindred train has calibrated its model on the validation classes', async () => {
    expect(trained?.exit).toBe(0);
    const stored = calibrationSchema.parse(JSON.parse(await readFile(path('model', 'calibration.json'), 'utf8')));
    expect(stored.fittedOn).toMatchObject({ split: 'validation', classes: 5, queries: 15, gallery: 78 });
  });

  test('fits again, and measures on the test classes what the scores are worth', async () => {
    const before = await readFile(path('model', 'bundle.json'), 'utf8');
    const { stdout, exit } = await kindred(
      'calibrate',
      path('model'),
      '--data',
      path('data'),
      '--test',
      '--distractors',
      path('data'),
      '--json',
    );
    expect(exit).toBe(0);
    const { calibration, test: checked } = printed.parse(JSON.parse(stdout));
    expect(calibration.crossValidation.candidates).toHaveLength(4);
    expect(checked?.map(({ name }) => name)).toEqual(['all', 'a tenth', 'with distractors']);
    expect(await readFile(path('model', 'bundle.json'), 'utf8')).toBe(before);
  });

  test('fits on the labels of an index, with a word about classes that were trained on; search then has scores', async () => {
    const { stdout, stderr, exit } = await kindred('calibrate', '--index', path('index'));
    expect(stdout).toContain('Calibrated on index: 156 queries of 52 classes');
    expect(stderr).toContain('the model was trained on 21 of the');
    expect(exit).toBe(0);
    const found = await kindred('search', '--index', path('index'), path('photos', 'class-0', '0.jpg'), '--json');
    const { results } = z
      .looseObject({ results: z.array(z.looseObject({ score: z.number().min(0).max(1) })) })
      .parse(JSON.parse(found.stdout));
    expect(results.length).toBeGreaterThan(3);
  });

  describe('of a model with too few validation classes', () => {
    const options = ['--steps', '1', '--input-size', '32', '--dim', '8', '--train-from', 'embedding', '--threads', '1'];
    const photo = (): string => path('few', 'class-0', '0.jpg');

    beforeAll(async () => {
      const names = Array.from({ length: 80 }, (_, i) => `class-${Math.floor(i / 2)}/${i % 2}.jpg`);
      await writePictures(path('few'), names);
      await kindred('data', 'prepare', 'folder', '--from', path('few'), '--out', path('few-data'));
    });

    test('is said, and the model is written all the same; --no-calibrate says nothing', async () => {
      const words = ['train', '--data', path('few-data'), ...options, '--out'];
      const said = await kindred(...words, path('few-model'));
      expect(said.stderr).toContain(
        'not calibrated, so search results will have no scores: a calibration needs at least 5',
      );
      expect(said.exit).toBe(0);
      const silent = await kindred(...words, path('silent'), '--no-calibrate');
      expect(silent.stderr).not.toContain('calibrat');
      expect(silent.exit).toBe(0);
      for (const model of ['few-model', 'silent']) {
        expect(await readdir(path(model))).toContain('model.onnx');
        expect(await readdir(path(model))).not.toContain('calibration.json');
      }
    });

    test('search goes without scores, limit=auto says what is missing, and an index with few labels is refused', async () => {
      await writePictures(path('shop'), ['a/0.jpg', 'a/1.jpg', 'b/0.jpg', 'b/1.jpg', 'c/0.jpg']);
      await kindred('data', 'prepare', 'folder', '--from', path('shop'), '--out', path('shop-data'));
      await kindred('index', '--data', path('shop-data'), '--model', path('few-model'), '--out', path('few-index'));
      const search = ['search', '--index', path('few-index'), photo(), '--json'];
      const { stdout } = await kindred(...search);
      const { results } = z
        .looseObject({ results: z.array(z.looseObject({ score: z.null() })) })
        .parse(JSON.parse(stdout));
      expect(results).toHaveLength(5);
      const auto = await kindred(...search, '--limit', 'auto', '--precision', '0.8');
      expect(auto.stderr).toContain('the model of this index is not calibrated');
      expect(auto.exit).toBe(1);
      const refused = await kindred('calibrate', '--index', path('few-index'));
      expect(refused.stderr).toContain('at least 5 classes with two pictures each, and there are 2');
      expect(refused.exit).toBe(1);
      expect(await readdir(path('few-index', 'current', 'model'))).not.toContain('calibration.json');
    });
  });

  test.each([
    [[], 'give a model with --data, or --index'],
    [['model'], '--data is missing'],
    [['--index', 'i', '--test'], '--data and --test go with a model'],
    [['model', '--data', 'd', '--distractors', 'x'], '--distractors needs --test'],
  ])('%j is refused', async (words, message) => {
    const { stderr, exit } = await kindred('calibrate', ...words);
    expect(stderr).toContain(message);
    expect(exit).toBe(2);
  });
});
