import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { toPlainError } from '../../src/core/errors.js';
import { exists } from '../../src/core/files.js';
import { createIndex, removeIndex } from '../../src/indexing/folder/create.js';
import { readIndexInfo } from '../../src/indexing/folder/info.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { newItem, unit } from '../contracts/catalogue.js';
import { temporaryFolder } from './helpers.js';

let base: string;
let folder: string;
const model = { fingerprint: 'model-a', dimension: 4 };

beforeEach(async () => {
  base = await temporaryFolder();
  folder = join(base, 'index');
  await mkdir(join(base, 'bundle'));
  await writeFile(join(base, 'bundle', 'bundle.json'), '{}');
  await writeFile(join(base, 'bundle', 'model.onnx'), 'weights');
});

const create = () => createIndex(folder, { bundleFolder: join(base, 'bundle'), ...model });

/** Runs code against the built package in a process of its own, and waits for its first line. */
async function startProcess(code: string): Promise<{ child: ChildProcess; line: string }> {
  const module = pathToFileURL(join(process.cwd(), 'dist/indexing/index-folder.js')).href;
  const script = `const { openIndex } = await import(${JSON.stringify(module)});\n${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const line: string = await new Promise((resolve) => {
    child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()));
    child.once('exit', () => resolve(''));
  });
  return { child, line };
}

describe('an index folder', () => {
  it('has the documented layout, and reopens', async () => {
    const index = await create();
    await index.catalogue.put([newItem('a', unit(1, 0, 0, 0))]);
    await index.close();
    expect(await readlink(join(folder, 'current'))).toBe('versions/1');
    for (const name of [
      'model/bundle.json',
      'model/model.onnx',
      'catalogue.db',
      'graph.hnsw',
      'graph.json',
      'index.json',
    ]) {
      expect(await exists(join(folder, 'versions/1', name)), name).toBe(true);
    }
    expect(await readIndexInfo(folder)).toMatchObject(model);
    const again = await openIndex(folder);
    expect(again.modelFolder).toBe(join(folder, 'versions/1/model'));
    expect(await again.catalogue.get('a')).toMatchObject({ id: 'a' });
    await again.close();
  });

  it('works with a text file where links cannot be made', async () => {
    await (await create()).close();
    await rm(join(folder, 'current'));
    await writeFile(join(folder, 'current'), 'versions/1\n');
    expect((await lstat(join(folder, 'current'))).isFile()).toBe(true);
    const index = await openIndex(folder, { readOnly: true });
    await index.close();
  });

  it('is missing where nothing was made, with the command that makes it', async () => {
    const fault = await openIndex(folder).catch(toPlainError);
    expect(fault).toMatchObject({ code: 'index-missing' });
    expect(fault).toHaveProperty('hint', expect.stringContaining('kindred index --model MODEL'));
    expect(await exists(folder)).toBe(false);
    expect(await readIndexInfo(folder)).toBeUndefined();
  });

  it('is damaged when current leads astray or index.json is gone', async () => {
    await (await create()).close();
    await rm(join(folder, 'versions/1/index.json'));
    await expect(openIndex(folder)).rejects.toMatchObject({ code: 'index-damaged' });
    await rm(join(folder, 'current'));
    await writeFile(join(folder, 'current'), '../../elsewhere');
    await expect(openIndex(folder)).rejects.toMatchObject({ code: 'index-damaged' });
  });

  it('is not made over other people’s files or an index', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'holiday.jpg'), '');
    await expect(create()).rejects.toMatchObject({ code: 'output-exists' });
    await rm(join(folder, 'holiday.jpg'));
    await (await create()).close();
    await expect(create()).rejects.toMatchObject({ code: 'output-exists' });
  });

  it('is made in spite of what an interrupted creation left, and nothing of that is left', async () => {
    await mkdir(join(folder, 'versions/1/.model.123.tmp'), { recursive: true });
    await expect(openIndex(folder)).rejects.toMatchObject({ code: 'index-missing' });
    const index = await create();
    expect(await exists(join(folder, 'versions/1/.model.123.tmp'))).toBe(false);
    await index.close();
  });

  it('leaves no index behind when the bundle cannot be copied', async () => {
    await rm(join(base, 'bundle'), { recursive: true });
    await expect(create()).rejects.toThrow();
    expect(await exists(join(folder, 'current'))).toBe(false);
    await expect(openIndex(folder)).rejects.toMatchObject({ code: 'index-missing' });
  });

  it('can be taken away again', async () => {
    await (await create()).close();
    await removeIndex(folder);
    expect(await exists(folder)).toBe(false);
  });

  it.skipIf(process.getuid?.() === 0)('is read, and refused for writing, in a read-only folder', async () => {
    const index = await create();
    await index.catalogue.put([newItem('a', unit(1, 0, 0, 0))]);
    await index.close();
    const folders = [folder, join(folder, 'versions/1')];
    for (const path of folders) await chmod(path, 0o555);
    onTestFinished(async () => {
      for (const path of folders) await chmod(path, 0o755);
    });
    const reader = await openIndex(folder, { readOnly: true });
    expect(await reader.catalogue.get('a')).not.toBeNull();
    await reader.close();
  });
});

async function expectLockedBy(pid: number): Promise<void> {
  const fault = await openIndex(folder).catch(toPlainError);
  expect(fault).toMatchObject({ code: 'index-locked' });
  expect(fault).toHaveProperty('message', expect.stringContaining(`pid ${pid} on `));
}

describe('the lock', () => {
  it('lets one writer in, names it to the next, and lets readers in', async () => {
    const index = await create();
    await index.catalogue.put([newItem('a', unit(1, 0, 0, 0))]);
    await expectLockedBy(process.pid);
    const reader = await openIndex(folder, { readOnly: true });
    expect(await reader.catalogue.get('a')).not.toBeNull();
    await reader.close();
    await index.close();
    await (await openIndex(folder)).close();
  });

  it('holds against another process, and falls with it at kill -9', async () => {
    await (await create()).close();
    const { child, line } = await startProcess(
      `const index = await openIndex(${JSON.stringify(folder)});
       const embedding = Float32Array.of(1, 0, 0, 0);
       await index.catalogue.put([{ id: 'kept', label: null, metadata: {}, imagePath: null, width: null, height: null, contentHash: 'h', embedding }]);
       console.log('open');
       setInterval(() => undefined, 1000);`,
    );
    expect(line).toBe('open\n');
    await expectLockedBy(child.pid ?? 0);
    expect(await readFile(join(folder, 'lock.txt'), 'utf8')).toContain(`pid ${child.pid ?? 0}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const index = await openIndex(folder);
    expect(await index.catalogue.get('kept')).toMatchObject({ id: 'kept' });
    await index.close();
  });
});
