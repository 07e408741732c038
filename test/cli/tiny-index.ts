import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goldenArrays, goldenImages } from '../../src/model/bundle/golden.js';
import { writeBundle } from '../../src/model/bundle.js';
import { paint } from '../indexing/helpers.js';
import { tinyEncoder } from '../model/tiny-onnx.js';

/** A real bundle of the smallest encoder: another seed or dimension is another model. */
export async function writeTinyBundle(folder: string, options: { seed?: number; dimension?: number } = {}) {
  const encoder = tinyEncoder(32, options.dimension ?? 8, options.seed ?? 1);
  const { onnx, inputSize, dimension } = encoder;
  return writeBundle(folder, {
    onnx,
    golden: goldenArrays(encoder.expected(goldenImages(inputSize), 3), dimension),
    inputSize,
    dimension,
    backbone: { name: 'tiny', cut: 'none', scale: { multiply: 1, add: 0 }, source: 'test' },
    loss: null,
    densityTerm: null,
    training: null,
    dataset: null,
    metrics: {},
  });
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The real binary, as a user starts it. */
export function kindred(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['bin/kindred.js', ...words], (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

/** The real binary, to be stopped: what it says is collected. */
export function startKindred(...words: string[]) {
  const child: ChildProcess = spawn(process.execPath, ['bin/kindred.js', ...words]);
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  child.stderr?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  const said = async (wanted: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = wanted.exec(text);
      if (found) return found;
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} and never said ${wanted}: ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { child, ended, said, text: () => text };
}

export interface TinyIndex {
  /** Everything is in it. */
  readonly base: string;
  readonly photos: string;
  readonly model: string;
  readonly index: string;
  close(): Promise<void>;
}

/** Pictures of one colour each, a model, and an index of them, all made with the real parts. */
export async function createTinyIndex(pictures = 12): Promise<TinyIndex> {
  const base = await mkdtemp(join(tmpdir(), 'kindred-tiny-'));
  const [photos, model, index] = [join(base, 'photos'), join(base, 'model'), join(base, 'index')];
  await mkdir(join(photos, 'a'), { recursive: true });
  for (let i = 0; i < pictures; i++) {
    const colour = { r: (i * 37) % 256, g: (i * 91 + 20) % 256, b: (i * 53 + 60) % 256 };
    await paint(join(photos, 'a', `${String(i).padStart(4, '0')}.png`), colour);
  }
  await writeTinyBundle(model);
  const made = await kindred('index', '--model', model, '--images', photos, '--out', index, '--threads', '1');
  if (made.code !== 0) throw new Error(made.err);
  return { base, photos, model, index, close: () => rm(base, { recursive: true, force: true }) };
}
