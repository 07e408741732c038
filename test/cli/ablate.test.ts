import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordSchema } from '../../src/studies/record.js';
import { writePictures } from '../data/helpers.js';

interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let base = '';
const path = (...parts: string[]): string => join(base, ...parts);

/** The real binary, in the scratch folder, with a cache of its own. */
function kindred(...words: string[]): Promise<Outcome> {
  const env = { ...process.env, KINDRED_CACHE: path('cache') };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['bin/kindred.js', ...words], { env }, (_, stdout, stderr) => {
      resolve({ exit: child.exitCode, stdout, stderr });
    });
  });
}

const grid = (more = ''): string => `
name: small
data: { photos: ./data }
seeds: 2
settings: { steps: 4, input-size: 32, dim: 8, train-from: embedding, backend: onnx, cache-views: 2,
            classes-per-batch: 3, images-per-class: 2 }
losses: { contrastive: {} }
arms:
  none: { regularizer: none, role: baseline }
  band: { regularizer: band${more} }
  again: { regularizer: none, role: control }
`;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-ablate-'));
  const names = Array.from({ length: 48 }, (_, i) => `class-${Math.floor(i / 6)}/${i % 6}.jpg`);
  await writePictures(path('photos'), names);
  await kindred('data', 'prepare', 'folder', '--from', path('photos'), '--out', path('data'));
  await writeFile(path('grid.yaml'), grid());
});
afterAll(() => rm(base, { recursive: true, force: true }));

describe('kindred ablate', () => {
  test('trains the grid on paired batches, goes on where it stopped, and prints the tables', async () => {
    const out = path('runs.jsonl');
    const first = await kindred('ablate', path('grid.yaml'), '--out', out, '--jobs', '1', '--report', path('runs.md'));
    expect(first.stderr).toContain('runs: 6/6 runs');
    expect(first.exit).toBe(0);
    const lines = (await readFile(out, 'utf8')).trimEnd().split('\n');
    const records = lines.map((line) => recordSchema.parse(JSON.parse(line)));
    expect(records.map(({ seed, arm }) => `${seed} ${arm}`)).toEqual(
      [0, 1].flatMap((seed) => ['none', 'band', 'again'].map((arm) => `${seed} ${arm}`)),
    );
    for (const { metrics, commit } of records) {
      expect(metrics['recall@1']).toBeGreaterThan(0);
      expect(metrics['train.map@r']).toBeGreaterThan(0);
      expect(commit).toMatch(/^[0-9a-f]{7,}\+?$|^$/);
    }
    // Same seed: same classes, initialisation, batches and crops, so the same arm again gives the same numbers.
    const [none, band, again, other] = records;
    expect(again?.metrics).toEqual(none?.metrics);
    expect(band?.metrics).not.toEqual(none?.metrics);
    expect(other?.metrics).not.toEqual(none?.metrics);
    expect(await readFile(path('runs.md'), 'utf8')).toContain('| photos/contrastive | none (baseline) | 2 |');

    await writeFile(out, `${lines.slice(0, 5).join('\n')}\n${(lines[5] ?? '').slice(0, 100)}`);
    const second = await kindred('ablate', path('grid.yaml'), '--out', out, '--json');
    expect(second.stderr).toContain('is cut off');
    expect(second.stderr).toContain('runs: 5/6 runs');
    const done = recordSchema.array().parse(JSON.parse(second.stdout));
    expect(done.map(({ key }) => key)).toEqual(records.map(({ key }) => key));
    expect(done.at(-1)?.metrics).toEqual(records.at(-1)?.metrics);

    const tables = await kindred('ablate', '--tables', out);
    expect(tables.stdout).toContain('| photos/contrastive | again (control) | 2 |');
  });

  test('Ctrl-C gives up the run under way at once, keeps those that are done, and says how to go on', async () => {
    await writeFile(path('long.yaml'), grid().replace('steps: 4', 'steps: 100000'));
    const out = path('long.jsonl');
    const env = { ...process.env, KINDRED_CACHE: path('cache') };
    const words = ['bin/kindred.js', 'ablate', path('long.yaml'), '--out', out, '--jobs', '1'];
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes('0/6 runs')) setTimeout(() => child.kill('SIGINT'), 1000);
    });
    expect(await ended).toBe(130);
    expect(said).toContain('stopped with 0 of 6 runs done');
    expect(said).toContain('Run the same command again');
    expect(await readdir(base)).not.toContain('long.jsonl');
  });

  test.each([
    ['an unknown key', grid().replace('seeds:', 'sedes:'), 'sedes: is not known here'],
    ['an option that does not fit', grid(', kappa: 2'), 'arm "band" with contrastive: --kappa does not apply'],
    ['a data set that is not there', grid().replace('./data', './nowhere'), 'nowhere'],
  ])('%s is refused with its place, and nothing is run', async (_, text, message) => {
    await writeFile(path('bad.yaml'), text);
    const { exit, stderr } = await kindred('ablate', path('bad.yaml'), '--out', path('bad.jsonl'));
    expect(stderr).toContain(message);
    expect(exit).not.toBe(0);
    expect(await readdir(base)).not.toContain('bad.jsonl');
  });
});
