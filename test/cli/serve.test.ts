import { cp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runServe, serveOptions } from '../../src/cli/commands/serve.js';
import { modelResponseSchema, searchResponseSchema } from '../../src/server/schemas/api.js';
import { fakeEmbedder } from '../server/fakes.js';
import { model, picture } from '../server/helpers.js';
import { createTestIndex, testContext, type TestContext, type TestIndex } from './helpers-serve.js';

let index: TestIndex;
beforeAll(async () => {
  index = await createTestIndex();
});
afterAll(() => index.close());

const openEmbedder = () => Promise.resolve(fakeEmbedder());
const options = () => serveOptions.parse({ index: index.folder, port: 0, drainDelay: 0 });

async function start(context: TestContext): Promise<{ url: string; done: Promise<void> }> {
  const done = runServe(options(), context, openEmbedder);
  while (context.printed.length === 0) {
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(context.printed.join('\n')) ?? [];
  return { url, done };
}

describe('kindred serve', () => {
  it('serves a real index until it is stopped, then lets go of it', async () => {
    const context = testContext();
    const { url, done } = await start(context);
    expect(context.printed[0]).toContain('kindred serves 5 items');
    const body = new FormData();
    body.set('image', new Blob([Uint8Array.from(await picture([20, 200, 30]))]));
    const found = searchResponseSchema.parse(await (await fetch(`${url}/v1/search`, { method: 'POST', body })).json());
    expect(found.results.map(({ id }) => id)[0]).toBe('leaf?#&=+%2F.png');
    expect(modelResponseSchema.parse(await (await fetch(`${url}/v1/model`)).json())).toMatchObject({
      backbone: model.backbone,
      densityTerm: 'gate',
    });
    const thumbnail = await fetch(`${url}/v1/items/half.png/image?width=20`);
    expect([thumbnail.status, thumbnail.headers.get('content-type')]).toEqual([200, 'image/webp']);
    context.abort();
    await done;
    expect(context.warned.join()).toContain('draining');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    const again = testContext();
    const second = await start(again); // the lock is free
    again.abort();
    await second.done;
  });

  it('refuses an index that another process serves, a taken port, and a damaged bundle', async () => {
    const context = testContext();
    const { done } = await start(context);
    await expect(runServe(options(), testContext(), openEmbedder)).rejects.toMatchObject({ code: 'index-locked' });
    context.abort();
    await done;

    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const taken = runServe({ ...options(), port }, testContext(), openEmbedder);
    await expect(taken).rejects.toMatchObject({ code: 'port-in-use' });
    other.close();

    const copy = join(index.root, 'damaged');
    await cp(index.folder, copy, { recursive: true, verbatimSymlinks: true });
    await rm(join(copy, 'versions', '1', 'model', 'bundle.json'));
    const damaged = runServe({ ...options(), index: copy }, testContext(), openEmbedder);
    await expect(damaged).rejects.toMatchObject({ code: 'bundle-damaged' });
  });
});
