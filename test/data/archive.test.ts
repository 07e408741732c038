import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { describe, expect, it } from 'vitest';
import type { ArchiveLimits } from '../../src/data/archive/archive.js';
import { unpackArchive } from '../../src/data/archive/unpack.js';
import { failure, quiet, temporaryFolder } from './helpers.js';
import { writeFiles } from './miniatures.js';
import { type ZipEntry, zipOf } from './zip-writer.js';

const bytes = (text: string): Buffer => Buffer.from(text);
const all = (name: string): string => name;

interface Setting {
  readonly archive: string;
  readonly target: string;
  readonly unpack: (place?: (name: string) => string | undefined, limits?: ArchiveLimits) => Promise<void>;
}

async function setting(name: string, data?: Uint8Array): Promise<Setting> {
  const folder = await temporaryFolder();
  const [archive, target] = [join(folder, name), join(folder, 'inside', 'target')];
  if (data) await writeFile(archive, data);
  const unpack: Setting['unpack'] = (place = all, limits) =>
    unpackArchive(archive, target, { ...quiet, place, ...(limits ? { limits } : {}) });
  return { archive, target, unpack };
}

const zip = (...entries: ZipEntry[]): Promise<Setting> => setting('x.zip', zipOf(entries));

async function tgz(files: Record<string, string>, gzip = true): Promise<Setting> {
  const made = await setting('x.tgz');
  const staging = `${made.archive}.files`;
  await writeFiles(staging, new Map(Object.entries(files).map(([name, data]) => [name, bytes(data)])));
  await symlink('/etc/passwd', join(staging, 'link'));
  await create({ file: made.archive, cwd: staging, gzip }, await readdir(staging));
  return made;
}

describe('unpackArchive', () => {
  it('puts each file of a zip where it is told, and leaves the rest packed', async () => {
    const { target, unpack } = await zip(
      { name: 'top/' },
      { name: 'top/a.txt', data: bytes('one') },
      { name: 'top/é/b.txt', data: bytes('two'.repeat(10_000)) },
      { name: 'other.txt', data: bytes('no') },
    );
    await unpack((name) => (name.startsWith('top/') ? `x/${name.slice(4)}` : undefined));
    expect(await readdir(target, { recursive: true })).toEqual(
      expect.arrayContaining(['x', join('x', 'a.txt'), join('x', 'é'), join('x', 'é', 'b.txt')]),
    );
    expect(await readdir(target)).toEqual(['x']);
    expect(await readFile(join(target, 'x', 'é', 'b.txt'), 'utf8')).toBe('two'.repeat(10_000));
  });

  it.each([true, false])('does the same with a tar archive, gzipped: %s, and passes links over', async (gzip) => {
    const { target, unpack } = await tgz({ 'top/a.txt': 'one', 'top/é/b.txt': 'two', 'other.txt': 'no' }, gzip);
    await unpack((name) => (name === 'other.txt' ? undefined : name.replace(/^top\//, 'x/')));
    expect((await readdir(target, { recursive: true })).sort()).toEqual(
      ['x', join('x', 'a.txt'), join('x', 'é'), join('x', 'é', 'b.txt')].sort(),
    );
    expect(await readFile(join(target, 'x', 'é', 'b.txt'), 'utf8')).toBe('two');
  });

  it.each(['../out.txt', 'a/../../out.txt', '/out.txt', 'C:/out.txt', 'a\\..\\out.txt', 'bad\u0001name'])(
    'refuses a zip with the entry %j',
    async (name) => {
      const { target, unpack } = await zip({ name, data: bytes('x') });
      expect((await failure(unpack())).code).toBe('archive-damaged');
      expect(await readdir(join(target, '..')).catch(() => [])).not.toContain('out.txt');
    },
  );

  it('refuses a tar archive that leads out of its folder', async () => {
    const folder = await temporaryFolder();
    await writeFiles(
      folder,
      new Map([
        ['in/deep/x', bytes('x')],
        ['out.txt', bytes('y')],
      ]),
    );
    const archive = join(folder, 'x.tar');
    await create({ file: archive, cwd: join(folder, 'in'), preservePaths: true }, ['../out.txt']);
    const unpacking = unpackArchive(archive, join(folder, 'in', 'target'), { ...quiet, place: all });
    expect(await failure(unpacking)).toMatchObject({ code: 'archive-damaged' });
    expect(await readFile(join(folder, 'out.txt'), 'utf8')).toBe('y');
  });

  const good = { name: 'good', data: bytes('good') };
  it.each<[string, ZipEntry[], string]>([
    ['a wrong checksum', [good, { name: 'a', data: bytes('abc'), checksum: 1 }], 'a: its checksum'],
    ['a wrong size', [good, { name: 'a', data: bytes('abcdef'), size: 3 }], 'a: '],
    ['an encrypted file', [good, { name: 'a', data: bytes('abc'), encrypted: true }], 'a is encrypted'],
    ['a name twice', [good, { name: 'good', data: bytes('abc') }], 'good is in it twice'],
  ])('refuses a zip with %s, naming it', async (_what, entries, message) => {
    const { archive, unpack } = await zip(...entries);
    const error = await failure(unpack());
    expect(error.code).toBe('archive-damaged');
    expect(error.message).toContain(archive);
    expect(error.message).toContain(message);
  });

  it.each([
    [{ files: 2, fileBytes: 100, totalBytes: 100 }, 'more than 2 files'],
    [{ files: 9, fileBytes: 5, totalBytes: 100 }, 'b is 6 bytes'],
    [{ files: 9, fileBytes: 100, totalBytes: 8 }, 'more than 8 bytes'],
  ])('stops at %j', async (limits, message) => {
    const entries = { a: 'abc', b: 'abcdef', c: '' };
    const zipped = await zip(...Object.entries(entries).map(([name, text]) => ({ name, data: bytes(text) })));
    for (const { unpack } of [zipped, await tgz(entries)]) {
      const error = await failure(unpack(all, limits));
      expect(error.code).toBe('archive-damaged');
      expect(error.message).toContain(message);
    }
  });

  it('refuses what is cut off, empty or no archive, and says when there is no file', async () => {
    const whole = await readFile((await tgz({ a: 'a'.repeat(5000) })).archive);
    const plain = await readFile((await tgz({ a: 'a'.repeat(5000) }, false)).archive);
    const packed = zipOf([{ name: 'a', data: bytes('abc') }]);
    for (const [data, message] of [
      [whole.subarray(0, whole.length - 20), 'x.bin: '],
      [plain.subarray(0, 3000), 'x.bin: '],
      [packed.subarray(0, packed.length - 10), 'is not a zip archive'],
      [new Uint8Array(), 'is empty'],
      [bytes('text'), 'is no zip or tar archive'],
    ] as const) {
      const error = await failure((await setting('x.bin', data)).unpack());
      expect(error.code).toBe('archive-damaged');
      expect(error.message).toContain(message);
    }
    expect((await failure((await setting('nothing.zip')).unpack())).code).toBe('file-not-found');
  });

  it('stops when interrupted', async () => {
    const entries = { a: 'abc', b: 'abcdef' };
    const zipped = await zip(...Object.entries(entries).map(([name, text]) => ({ name, data: bytes(text) })));
    for (const { archive, target } of [zipped, await tgz(entries)]) {
      const controller = new AbortController();
      const place = (name: string): string => {
        controller.abort();
        return name;
      };
      const unpacking = unpackArchive(archive, target, { ...quiet, place, signal: controller.signal });
      expect((await failure(unpacking)).code).toBe('interrupted');
    }
  });
});
