import { appendFile, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { resolver } from '../../src/cli/commands/ablate.js';
import { parseGrid } from '../../src/config/grid.js';
import type { ProgressEvent } from '../../src/core/progress.js';
import { ablate, checkedPlans, type AblateOptions } from '../../src/studies/ablate.js';
import type { RunPlan } from '../../src/studies/plan.js';
import type { RunRecord } from '../../src/studies/record.js';
import { openResults } from '../../src/studies/results-file.js';

const resolve = resolver();
const data = [{ data: 'a', folder: '/a', splitHash: 'h' }];
const plain = { name: 'try', data: { a: '/a' }, seeds: 2, losses: { triplet: {} }, regularizers: ['none', 'gate'] };

let path = '';
let ran: RunPlan[] = [];
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'kindred-ablate-')), 'runs.jsonl');
  ran = [];
});

function record(plan: RunPlan, mapAtR: number): RunRecord {
  const { study, phase, cell, arm, role, seed, key, settings } = plan;
  return {
    ...{
      study,
      phase,
      cell,
      arm,
      role,
      data: plan.data,
      seed,
      key,
      lambda: null,
      lossOptions: {},
      regularizerOptions: {},
    },
    ...{ loss: settings.loss, regularizer: settings.regularizer, settings: {}, steps: settings.steps },
    ...{ metrics: phase === 'final' ? { 'recall@1': mapAtR } : {}, selected: null, validation: { 'map@r': mapAtR } },
    ...{ seconds: 1, commit: null, kindred: '0' },
  };
}

async function study(
  grid: object,
  overrides: Partial<AblateOptions> = {},
  warnings: string[] = [],
): Promise<RunRecord[]> {
  const results = await openResults(path, (text) => warnings.push(text));
  return ablate({
    grid: parseGrid(grid, 'g.yaml'),
    data,
    resolve,
    results,
    jobs: 2,
    run: (plan) => {
      ran.push(plan);
      return Promise.resolve(record(plan, 0.5));
    },
    progress: () => undefined,
    signal: new AbortController().signal,
    ...overrides,
  });
}

describe('a study', () => {
  test('runs every arm with every seed, seed by seed, and writes a line for each', async () => {
    const records = await study(plain);
    expect(records.map(({ arm, seed }) => [seed, arm])).toEqual([
      [0, 'none'],
      [0, 'gate'],
      [1, 'none'],
      [1, 'gate'],
    ]);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(new Set(ran.map(({ key }) => key)).size).toBe(4);
  });

  test('goes on where it was stopped: runs with a record are not done again, others are kept', async () => {
    const signal = new AbortController();
    const events: ProgressEvent[] = [];
    const stopped = study(plain, {
      jobs: 1,
      signal: signal.signal,
      progress: (event) => {
        events.push(event);
        if (event.done === 2) signal.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted', message: 'stopped with 2 of 4 runs done' });
    const before = await readFile(path, 'utf8');
    const records = await study(plain);
    expect(ran).toHaveLength(4);
    expect(records).toHaveLength(4);
    expect((await readFile(path, 'utf8')).startsWith(before)).toBe(true);
    await study({ ...plain, seeds: 3 });
    expect(ran).toHaveLength(6);
  });

  test('a setting that changes the numbers makes another run; where the backbone lies does not', async () => {
    await study(plain);
    await study(plain, { resolve: (options) => ({ ...resolve(options), backboneFrom: '/elsewhere', threads: 9 }) });
    expect(ran).toHaveLength(4);
    await study({ ...plain, settings: { steps: 7 } });
    expect(ran).toHaveLength(8);
  });

  test('a last line that is cut off is taken away with a warning, and its run is done again', async () => {
    await study(plain);
    const whole = await readFile(path, 'utf8');
    await writeFile(path, whole.slice(0, -20));
    const warnings: string[] = [];
    await study(plain, {}, warnings);
    expect(warnings.join()).toMatch(/line 4 is cut off.*done again/);
    expect(ran).toHaveLength(5);
    expect((await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')).toHaveLength(4);
  });

  test('a line in the middle that is no run is an error with its number, and nothing is run', async () => {
    await study(plain);
    await appendFile(path, '{"study":"try"}\n');
    await expect(study({ ...plain, seeds: 5 })).rejects.toMatchObject({ code: 'results-invalid' });
    expect(ran).toHaveLength(4);
  });

  test('tuning chooses on validation classes, the same trials for arms of one space, before any final run', async () => {
    const grid = { ...plain, seeds: 1, tune: { trials: 2, space: { 'learning-rate': [1e-3, 1e-4, 1e-5] } } };
    const records = await study(grid, {
      jobs: 1,
      run: (plan) => {
        ran.push(plan);
        return Promise.resolve(record(plan, plan.settings.learningRate));
      },
    });
    expect(ran.map(({ phase }) => phase)).toEqual(['tuning', 'tuning', 'tuning', 'tuning', 'final', 'final']);
    const rates = ran.map(({ settings }) => settings.learningRate);
    expect(rates.slice(0, 2)).toEqual(rates.slice(2, 4));
    expect(rates.slice(4)).toEqual([Math.max(...rates.slice(0, 2)), Math.max(...rates.slice(0, 2))]);
    expect(
      records.filter(({ phase }) => phase === 'tuning').every(({ metrics }) => Object.keys(metrics).length === 0),
    ).toBe(true);
  });

  test('every study file of this repository is a grid whose combinations fit', async () => {
    const files = (await readdir('scripts/studies')).filter((name) => name.endsWith('.yaml'));
    expect(files.length).toBeGreaterThanOrEqual(6);
    for (const name of files) {
      const grid = parseGrid(parse(await readFile(join('scripts/studies', name), 'utf8')), name);
      const sets = Object.keys(grid.data).map((set) => ({ data: set, folder: '/', splitHash: set }));
      expect(checkedPlans({ grid, data: sets, resolve }).final, name).toBeGreaterThan(20);
    }
  });

  test('every combination is checked before the first run, and the arm that does not fit is named', () => {
    const bad = { ...plain, regularizers: undefined, arms: { a: { regularizer: 'gate' }, b: { regularizer: 'gaet' } } };
    const options = { grid: parseGrid(bad, 'g.yaml'), data, resolve };
    expect(() => checkedPlans(options)).toThrow('did you mean "gate"?');
    expect(checkedPlans({ ...options, grid: parseGrid(plain, 'g.yaml') })).toEqual({ tuning: 0, final: 4 });
    const k1 = { ...plain, settings: { 'images-per-class': 1 } };
    expect(() => checkedPlans({ ...options, grid: parseGrid(k1, 'g.yaml') })).toThrow('--images-per-class is 1');
    const negative = { ...plain, regularizers: undefined, arms: { a: { regularizer: 'neighbour', lambda: -1 } } };
    expect(() => checkedPlans({ ...options, grid: parseGrid(negative, 'g.yaml') })).toThrow(
      /arm "a" with triplet: --lambda/,
    );
  });
});
