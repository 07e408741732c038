import { describe, expect, it } from 'vitest';
import { createClient, searchForm, type Client } from '../../src/web/api/client.js';
import { Failure } from '../../src/web/api/failure.js';
import { similarUrl, thumbnailUrl } from '../../src/web/api/urls.js';

const item = { id: 'a/b c.png', label: null, metadata: {}, image: null, width: null, height: null };
const everything = { limit: 24, filter: {}, box: null };

function answering(body: unknown, status = 200): { client: Client; calls: string[] } {
  const calls: string[] = [];
  const client = createClient((url, init) => {
    calls.push(`${init.method ?? 'GET'} ${url}`);
    return Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }));
  });
  return { client, calls };
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof Failure) return error;
  throw error;
}

describe('addresses', () => {
  it('keeps an id in one segment of the path, and repeats the filter', async () => {
    const { client, calls } = answering({ ...item });
    await client.item('a/b ?c.png');
    expect(calls).toEqual(['GET v1/items/a%2Fb%20%3Fc.png']);
    const url = similarUrl('a/b', {
      limit: 5,
      filter: { category: 'x=y', house: 'n' },
      box: { x: 0, y: 0, w: 1, h: 1 },
    });
    const [path, query] = url.split('?');
    expect(path).toBe('v1/items/a%2Fb/similar');
    const params = new URLSearchParams(query);
    expect(params.getAll('filter')).toEqual(['category=x=y', 'house=n']);
    expect(JSON.parse(params.get('box') ?? '')).toEqual({ x: 0, y: 0, w: 1, h: 1 });
  });

  it('asks for the next page after an id', async () => {
    const { client, calls } = answering({ items: [item], next: null, total: 1 });
    await client.items({ limit: 24, after: 'a b', filter: {} });
    expect(calls).toEqual(['GET v1/items?limit=24&after=a+b']);
  });

  it('adds the width of a thumbnail', () => {
    expect(thumbnailUrl('v1/items/a/image', 200)).toBe('v1/items/a/image?width=200');
    expect(thumbnailUrl('v1/items/a/image?v=2', 200)).toBe('v1/items/a/image?v=2&width=200');
  });
});

describe('the form of an image search', () => {
  it('carries the picture, the part and the filter', () => {
    const form = searchForm(new Blob(['x']), { limit: 48, filter: { house: 'n' }, box: { x: 0, y: 0, w: 0.5, h: 1 } });
    expect(form.get('limit')).toBe('48');
    expect(form.get('box')).toBe('{"x":0,"y":0,"w":0.5,"h":1}');
    expect(form.get('filter')).toBe('{"house":"n"}');
    expect([...form.keys()].at(-1)).toBe('image');
  });

  it('leaves out what is not wanted', () => {
    expect([...searchForm(new Blob(['x']), everything).keys()]).toEqual(['limit', 'image']);
  });
});

describe('failures', () => {
  it('takes the detail and the hint from the problem, and its own title', async () => {
    const problem = { title: 'overloaded', status: 503, code: 'overloaded', detail: 'too many', hint: 'wait' };
    const failure = await failureOf(answering(problem, 503).client.stats());
    expect(failure).toMatchObject({ code: 'overloaded', message: 'too many', hint: 'wait', retryable: true });
    expect(failure.title).toBe('The server is busy');
  });

  it('offers no retry where the request itself is at fault', async () => {
    const problem = { title: 'image unsupported', status: 415, code: 'image-unsupported', detail: 'not an image' };
    const failure = await failureOf(answering(problem, 415).client.searchImage(new Blob(['x']), everything));
    expect(failure.retryable).toBe(false);
    expect(failure.hint).toContain('JPEG');
  });

  it('shows the server’s title for a code it does not know', async () => {
    const problem = { title: 'something new', status: 422, code: 'something-new', detail: 'd' };
    expect((await failureOf(answering(problem, 422).client.stats())).title).toBe('Something new');
  });

  it.each([
    ['a proxy’s page', '<html>', 502],
    ['an answer of another shape', { hello: 'world' }, 200],
    ['items that are none', { items: [{}], next: null, total: 1 }, 200],
    ['an error without a code', { message: 'no' }, 500],
  ])('does not believe %s', async (_name, body, status) => {
    const failure = await failureOf(answering(body, status).client.items(everything));
    expect(failure.code).toBe('unexpected-answer');
    expect(failure.message).toContain(String(status));
  });

  it('says that the server cannot be reached', async () => {
    const client = createClient(() => Promise.reject(new TypeError('fetch failed')));
    expect(await failureOf(client.stats())).toMatchObject({ code: 'unreachable', retryable: true });
  });

  it('passes an abort on as it is', async () => {
    const abort = new DOMException('gone', 'AbortError');
    const client = createClient(() => Promise.reject(abort));
    await expect(client.stats()).rejects.toBe(abort);
  });
});
