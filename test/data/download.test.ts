import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { downloadFile } from '../../src/data/download.js';
import { prepareDataset } from '../../src/data/prepare.js';
import { createCubSource } from '../../src/data/sources/cub.js';
import { createOmniglotSource } from '../../src/data/sources/omniglot.js';
import { failure, quiet, temporaryFolder } from './helpers.js';
import * as mini from './miniatures.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const md5 = (data: Uint8Array): string => createHash('md5').update(data).digest('hex');

/** A server that gives each request the next answer (the last one for all further), and the ranges that were asked for. */
async function serve(...answers: Answer[]): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answers[Math.min(ranges.length, answers.length) - 1]?.(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => new Promise<void>((done) => (server.closeAllConnections(), void server.close(() => done()))));
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/x`, ranges };
}

const data = randomBytes(100_000);
const whole: Answer = (_request, response) => void response.end(data);
/** Ends the connection after so many bytes. */
const cutAfter =
  (bytes: number): Answer =>
  (_request, response) => {
    response.writeHead(200, { 'content-length': data.length });
    response.write(data.subarray(0, bytes), () => setTimeout(() => response.destroy(), 50));
  };
const ranged: Answer = ({ headers }, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
  if (start >= data.length) return void response.writeHead(416).end();
  response.writeHead(206, { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` });
  response.end(data.subarray(start));
};
const refuse =
  (status: number): Answer =>
  (_request, response) =>
    void response.writeHead(status).end();

async function download(url: string, sum = md5(data), folder?: string): Promise<string> {
  const target = join(folder ?? (await temporaryFolder()), 'x.zip');
  await downloadFile({ url, md5: sum }, target, { ...quiet, pause: 1 });
  return target;
}

describe('downloadFile', () => {
  it('fetches what is not there, once', async () => {
    const { url, ranges } = await serve(whole);
    const target = await download(url);
    expect((await readFile(target)).equals(data)).toBe(true);
    await downloadFile({ url, md5: md5(data) }, target, quiet);
    expect(ranges).toEqual([undefined]);
  });

  it('asks for the rest alone when the connection breaks', async () => {
    const { url, ranges } = await serve(cutAfter(30_000), ranged);
    expect((await readFile(await download(url))).equals(data)).toBe(true);
    // What was on its way when it broke may be lost.
    const from = Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(30_000);
  });

  it('goes on from what an earlier run left, also when that was all of it', async () => {
    for (const [have, answer] of [
      [40_000, ranged],
      [data.length, ranged],
      [40_000, whole],
    ] as const) {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'x.zip.part'), data.subarray(0, have));
      const { url, ranges } = await serve(answer);
      expect((await readFile(await download(url, undefined, folder))).equals(data)).toBe(true);
      expect(ranges).toEqual([`bytes=${have}-`]);
      expect(await readdir(folder)).toEqual(['x.zip']);
    }
  });

  it('tries again when the server is in trouble', async () => {
    const { url, ranges } = await serve(refuse(503), refuse(502), whole);
    expect((await readFile(await download(url))).equals(data)).toBe(true);
    expect(ranges).toHaveLength(3);
  });

  it('gives up on an answer that means no, and after four attempts that bring nothing', async () => {
    for (const [answer, times, message] of [
      [refuse(404), 1, 'the server answered 404'],
      [refuse(500), 4, 'the server answered 500'],
    ] as const) {
      const { url, ranges } = await serve(answer);
      const error = await failure(download(url));
      expect(error).toMatchObject({ code: 'source-missing' });
      expect(error.message).toContain(message);
      expect(error.hint).toContain('--from PATH');
      expect(ranges).toHaveLength(times);
    }
  });

  it('throws away what has another checksum', async () => {
    const { url } = await serve(whole);
    const folder = await temporaryFolder();
    const error = await failure(download(url, 'f'.repeat(32), folder));
    expect(error.message).toContain(`what came has the md5 ${md5(data)}, ${'f'.repeat(32)} is expected`);
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps what has come when it is stopped', async () => {
    const controller = new AbortController();
    const { url } = await serve((_request, response) => void response.write(data.subarray(0, 50_000)));
    const folder = await temporaryFolder();
    const progress = (): unknown => setTimeout(() => controller.abort(), 50);
    const options = { progress, signal: controller.signal };
    const error = await failure(downloadFile({ url, md5: md5(data) }, join(folder, 'x.zip'), options));
    expect(error.code).toBe('interrupted');
    const kept = await readFile(join(folder, 'x.zip.part'));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.equals(data.subarray(0, kept.length))).toBe(true);
  });
});

describe('a data set without --from', () => {
  it('is downloaded where the publisher serves it', async () => {
    const base = await temporaryFolder();
    vi.stubEnv('KINDRED_CACHE', join(base, 'cache'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const bird = await readFile(await mini.writeTgz(join(base, 'x.tgz'), await mini.cubFiles()));
    const part = 'images_background_small1';
    const characters = ['Greek/character01', 'Greek/character02', 'Latin/character01'];
    const drawn = await readFile(await mini.writeZip(join(base, 'y.zip'), await mini.omniglotFiles(part, characters)));
    const { url, ranges } = await serve(
      (_request, response) => void response.end(bird),
      (_request, response) => void response.end(drawn),
    );
    const cub = createCubSource({ ...mini.cubMiniature, archive: { url, md5: md5(bird) } });
    const archives = { [`${part}.zip`]: { url, md5: md5(drawn) } };
    const omniglot = createOmniglotSource({ ...mini.omniglotMiniature, archives });
    for (const [source, items] of [
      [cub, 12],
      [cub, 12],
      [omniglot, 9],
    ] as const) {
      const options = { source, sourceName: 'it', out: join(base, 'out'), seed: 0, strict: false, ...quiet };
      expect((await prepareDataset(options)).manifest.counts.items).toBe(items);
    }
    expect(ranges).toHaveLength(2);
  });
});
