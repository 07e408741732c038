import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openKeyRing } from '../../src/server/access/key-ring.js';
import { createKey, readKeys, revokeKey } from '../../src/server/access/keys-file.js';

const binary = join(import.meta.dirname, '../../bin/kindred.js');
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kindred-keys-'));
  file = join(folder, 'keys.json');
});
afterEach(() => rm(folder, { recursive: true }));

const failureSchema = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() });
async function kindred(...args: string[]): Promise<z.infer<typeof failureSchema>> {
  const env = { ...process.env, KINDRED_KEYS_FILE: file };
  return promisify(execFile)(process.execPath, [binary, ...args], { env }).then(
    (done) => ({ code: 0, ...done }),
    (error: unknown) => failureSchema.parse(error),
  );
}

describe('kindred keys', () => {
  it('creates, lists and revokes; the key is shown once and kept nowhere', async () => {
    const made = await kindred('keys', 'create', '--scope', 'write', '--name', 'importer');
    expect(made.stdout).toMatch(/^kd_[\w-]{43}\n$/);
    const key = made.stdout.trim();
    expect(made.stderr).not.toContain(key);
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain(key.slice(3));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const listed = await kindred('keys', 'list');
    expect(listed.stdout).toMatch(/^[0-9a-f]{8} {2}write {2}\d{4}-\d\d-\d\d {2}importer\n$/);
    expect(listed.stdout).not.toMatch(/[0-9a-f]{64}/);
    expect((await kindred('keys', 'revoke', 'importer')).stdout).toMatch(/^revoked [0-9a-f]{8} \(importer, write\)\n$/);
    expect(await readKeys(file)).toEqual([]);
  });

  it.each([
    [['create', '--scope', 'owner', '--name', 'a'], 'invalid-option', '--scope: must be one of read, write, admin'],
    [['create', '--scope', 'read', '--name', 'a b'], 'invalid-option', '--name: must be 1 to 64 letters'],
    [['create', '--scope', 'read'], 'invalid-option', '--name is missing'],
    [['list'], 'file-not-found', 'there is no file'],
    [['revoke', 'nobody'], 'unknown-name', 'no key has the id or name "nobody"'],
  ])('refuses %j', async (args, code, message) => {
    const { stderr } = await kindred('keys', ...args);
    expect(stderr).toContain(`error [${code}]`);
    expect(stderr).toContain(message);
  });

  it('keeps names apart, damage out, and a file that others may write to', async () => {
    await createKey(file, { name: 'a', scope: 'read' });
    await expect(createKey(file, { name: 'a', scope: 'admin' })).rejects.toMatchObject({ field: '--name' });
    await chmod(file, 0o622);
    await expect(readKeys(file)).rejects.toMatchObject({ code: 'keys-invalid' });
    await writeFile(file, '{"format":1,"keys":[{"id":"x"}]}');
    await chmod(file, 0o600);
    await expect(readKeys(file)).rejects.toMatchObject({ code: 'keys-invalid' });
    await writeFile(file, '{');
    await expect(createKey(file, { name: 'b', scope: 'read' })).rejects.toMatchObject({ code: 'keys-invalid' });
  });

  it('loses none of many that come at the same time', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, n) => createKey(file, { name: `k${n}`, scope: 'read' })));
    expect(await readKeys(file)).toHaveLength(12);
  });
});

describe('a key ring', () => {
  it('follows its file, and accepts no key while that is gone or damaged', async () => {
    const { key, facts } = await createKey(file, { name: 'a', scope: 'read' });
    const warned: string[] = [];
    const ring = await openKeyRing(file, { warn: (text) => void warned.push(text), everyMs: 5 });
    expect(ring.find(key)).toMatchObject(facts);
    const second = await createKey(file, { name: 'b', scope: 'admin' });
    await expect.poll(() => ring.find(second.key)?.scope).toBe('admin');
    await revokeKey(file, 'a');
    await expect.poll(() => ring.find(key)).toBeUndefined();
    const whole = await readFile(file);
    await writeFile(file, 'damage');
    await expect.poll(() => ring.find(second.key)).toBeUndefined();
    await writeFile(file, whole);
    await expect.poll(() => ring.find(second.key)?.name).toBe('b');
    await rm(file);
    await expect.poll(() => ring.size()).toBe(0);
    expect(warned.join('\n')).toMatch(/no key is accepted until .* is mended/);
    ring.close();
  });
});

describe('kindred serve', () => {
  it.each([
    [['--host', '0.0.0.0'], '--keys keys.json'],
    [['--host', 'example.org'], 'without keys'],
    [['--rate-limit', 'fast'], '50/s'],
    [['--cors-origin', 'https://a.example/path'], 'origins such as'],
  ])('refuses %j', async (args, advice) => {
    const child = spawn(process.execPath, [binary, 'serve', '--index', folder, ...args]);
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(text).toContain('error [invalid-option]');
    expect(text).toContain(advice);
    expect(code).toBe(2);
  });
});
