import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from '../../src/learn/checkpoint.js';
import { failure, temporaryFolder } from '../data/helpers.js';

const checkpoint: Checkpoint = {
  step: 12,
  settings: '{"loss":"contrastive","µ":"ü"}',
  best: { step: 8, mapAtR: 0.25 },
  history: [{ epoch: 1, loss: 0.5, validation: null }],
  arrays: new Map([
    ['value:conv/kernel', Float32Array.of(1.5, -2, 1e-30)],
    ['first:conv/kernel', new Float32Array(0)],
    ['best:conv/kernel', Float32Array.of(Math.PI)],
  ]),
};

async function written(): Promise<string> {
  const path = join(await temporaryFolder(), 'checkpoint.bin');
  await writeCheckpoint(path, checkpoint);
  return path;
}

describe('a checkpoint', () => {
  test('comes back as it was written, bit by bit', async () => {
    const found = await readCheckpoint(await written());
    expect(found).toMatchObject({ step: 12, settings: checkpoint.settings, best: checkpoint.best });
    expect(found?.history).toEqual(checkpoint.history);
    expect([...(found?.arrays ?? [])]).toEqual([...checkpoint.arrays]);
  });

  test('of no best epoch, and a later one in its place', async () => {
    const path = await written();
    await writeCheckpoint(path, { ...checkpoint, step: 13, best: null });
    expect(await readCheckpoint(path)).toMatchObject({ step: 13, best: null });
  });

  test('is null where there is none', async () => {
    expect(await readCheckpoint(join(await temporaryFolder(), 'checkpoint.bin'))).toBeNull();
  });

  test('is refused with any byte changed', async () => {
    const path = await written();
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(path, changed);
      expect((await failure(readCheckpoint(path))).code, `byte ${at}`).toBe('checkpoint-invalid');
    }
  });

  test('is refused when cut short, empty, longer, or a folder', async () => {
    const path = await written();
    const bytes = await readFile(path);
    await writeFile(path, Buffer.concat([bytes, Buffer.alloc(4)]));
    expect((await failure(readCheckpoint(path))).code).toBe('checkpoint-invalid');
    for (const length of [bytes.length - 1, bytes.length - 4, 40, 3, 0]) {
      await truncate(path, length);
      const error = await failure(readCheckpoint(path));
      expect(error.code).toBe('checkpoint-invalid');
      expect(error.message).toContain(path);
      expect(error.hint).toContain('--resume');
    }
    const folder = join(await temporaryFolder(), 'folder');
    await mkdir(folder);
    expect((await failure(readCheckpoint(folder))).code).toBe('checkpoint-invalid');
  });
});
