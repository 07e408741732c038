import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { formatProgress } from '../../src/cli/terminal.js';
import { version } from '../../src/core/version.js';

const run = promisify(execFile);
const binary = 'bin/kindred.js';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The real binary, as a user starts it. */
async function kindred(...args: string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(process.execPath, [binary, ...args]);
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)) throw error;
    return { code: Number(error.code), out: String(error.stdout), err: String(error.stderr) };
  }
}

describe('kindred', () => {
  it.each([['--help'], ['-h'], ['help'], []])('lists every command for %j', async (...args) => {
    const { code, out, err } = await kindred(...args);
    expect([code, err]).toEqual([0, '']);
    for (const [name, { summary }] of Object.entries(commands)) {
      expect(out).toMatch(new RegExp(`^ +${name} +${summary.slice(0, 20)}`, 'm'));
    }
    expect(out).toContain('kindred demo');
  });

  it.each(['--version', '-v'])('prints its version for %s', async (flag) => {
    expect(await kindred(flag)).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it.each([
    ['trian', 'train'],
    ['serch', 'search'],
    ['doc', 'doctor'],
  ])('takes "%s" for a slip of "%s"', async (word, meant) => {
    const { code, out, err } = await kindred(word, '--json');
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(
      `kindred: error [unknown-command]: unknown command "${word}" (did you mean "${meant}"?)\n` +
        `  Known: ${Object.keys(commands).join(', ')}. See kindred --help.\n`,
    );
  });

  it.each([['flurb'], ['constructor'], ['help', 'flurb']])('suggests nothing for %j', async (...args) => {
    const { code, err } = await kindred(...args);
    expect(code).toBe(2);
    expect(err).toMatch(/^kindred: error \[unknown-command\]: unknown command "\w+"\n {2}Known: doctor, /);
  });

  it('names the known options and the closest for an unknown one', async () => {
    const { code, out, err } = await kindred('doctor', '--jsn');
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(
      `kindred: error [unknown-option]: unknown option '--jsn' (did you mean "--json"?)\n  Known: --json, --help.\n`,
    );
  });

  it('knows the options before the command, too', async () => {
    const { code, err } = await kindred('--bogus');
    expect(code).toBe(2);
    expect(err).toContain('Known: --version, --help.');
  });

  it('refuses arguments that a command does not take', async () => {
    const { code, err } = await kindred('doctor', 'now');
    expect(code).toBe(2);
    expect(err).toMatch(
      /^kindred: error \[usage\]: too many arguments for 'doctor'.*\n {2}See kindred doctor --help\.\n$/,
    );
  });

  it.each(Object.keys(commands))('shows the help of %s both ways', async (name) => {
    const [asked, flagged] = await Promise.all([kindred('help', name), kindred(name, '--help')]);
    expect(asked).toEqual(flagged);
    expect([asked.code, asked.err]).toEqual([0, '']);
    expect(asked.out).toContain(`Usage: kindred ${name} `);
  });

  it('shows the help of a command of sub-commands and of each', async () => {
    const [data, prepare] = await Promise.all([kindred('data', '--help'), kindred('data', 'prepare', '--help')]);
    expect(data.out).toMatch(/^ +prepare .*\n(.*\n)* +check /m);
    expect(prepare.out).toContain('Usage: kindred data prepare ');
    expect([data.code, prepare.code]).toEqual([0, 0]);
  });

  it.each([
    [
      ['data', 'prepar', 'emoji'],
      'unknown-command',
      'unknown command "data prepar" (did you mean "prepare"?)',
      'Known: prepare, check. See kindred data --help.',
    ],
    [['data', 'prepare'], 'usage', "missing required argument 'source'", 'See kindred data prepare --help.'],
    [['index', '--model'], 'usage', "option '--model <folder>' argument missing", 'See kindred index --help.'],
    [['index'], 'invalid-option', '--model is missing', 'See kindred index --help.'],
  ])('says what is wrong with %j', async (args, code, message, hint) => {
    expect(await kindred(...args)).toEqual({
      code: 2,
      out: '',
      err: `kindred: error [${code}]: ${message}\n  ${hint}\n`,
    });
  });

  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [binary, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, err]).toEqual([0, '']);
  });

  it.skipIf(process.platform === 'win32')('exits with 130 after Ctrl-C, saying so', async () => {
    const child = spawn(process.execPath, [binary, 'doctor'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.kill('SIGINT'));
    let err = '';
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(err).toContain('SIGINT received: stopping cleanly');
    expect(err).toContain('error [interrupted]');
    expect(code).toBe(130);
  });
});

describe('formatProgress', () => {
  it.each([
    [{ stage: 'indexing', done: 0, total: 90 }, 0, 0, 'indexing: 0/90 images'],
    [{ stage: 'indexing', done: 40, total: 100 }, 2, 0, 'indexing: 40/100 images, 20 images/s, 3 s left'],
    [
      { stage: 'training', done: 30, total: 300, unit: 'steps', note: 'loss 0.31' },
      60,
      0,
      'training: 30/300 steps, 0.5 steps/s, 9 min 0 s left, loss 0.31',
    ],
    [
      { stage: 'training', done: 130, total: 300, unit: 'steps' },
      10,
      100,
      'training: 130/300 steps, 3.0 steps/s, 57 s left',
    ],
    [{ stage: 'reading', done: 12 }, 0.1, 0, 'reading: 12 images'],
    [{ stage: 'indexing', done: 1, total: 20_000 }, 1, 0, 'indexing: 1/20000 images, 1.0 images/s, 5 h 33 min left'],
    [{ stage: 'indexing', done: 90, total: 90 }, 9, 0, 'indexing: 90/90 images, 10 images/s'],
  ])('writes %j as a line', (event, elapsed, before, line) => {
    expect(formatProgress(event, elapsed, before)).toBe(line);
  });
});
