import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import sharp from 'sharp';
import type { ApiItem, ApiModel, ApiProblem } from '../../src/server/schemas/api.js';
import { drawingOf, matches, mockDistance, mockItems, mockScore, mockStats } from './mock-items.js';

/** Headers as the real server sends them: what they forbid must not be needed. */
const policy =
  "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const model: ApiModel = {
  fingerprint: 'f'.repeat(64),
  dimension: 128,
  inputSize: 96,
  backbone: 'nsfwjs-mobilenet-v2',
  loss: 'contrastive',
  densityTerm: 'gate',
  metrics: { 'recall@1': 0.71 },
  dataset: 'emoji',
  madeBy: '0.1.0',
};

export interface MockServer {
  readonly url: string;
  /** Answers every path that matches with this status, until `heal`. */
  fail(path: RegExp, status: number): void;
  /** Holds back API answers (but not pictures) by this many milliseconds. */
  delay(ms: number): void;
  /** Replaces the catalogue. */
  hold(items: readonly ApiItem[]): void;
  /** Gives results a score. */
  calibrate(): void;
  heal(): void;
  /** "METHOD path?query body-fields" of the API calls so far, without pictures. */
  readonly calls: string[];
  close(): Promise<void>;
}

function problem(code: string, status: number, detail: string, hint?: string): { status: number; body: ApiProblem } {
  const title = code.replaceAll('-', ' ');
  return {
    status,
    body: { type: `urn:kindred:problem:${code}`, title, status, code, detail, ...(hint === undefined ? {} : { hint }) },
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

function filterOf(params: URLSearchParams): Map<string, string[]> {
  const filter = new Map<string, string[]>();
  for (const text of params.getAll('filter')) {
    const at = text.indexOf('=');
    filter.set(text.slice(0, at), [...(filter.get(text.slice(0, at)) ?? []), text.slice(at + 1)]);
  }
  return filter;
}

/** The fields of a multipart body; good enough for a browser's own. */
function formField(body: Buffer, name: string): string | null {
  const match = new RegExp(`name="${name}"(?:; filename="[^"]*")?\\r\\n(?:[^\\r]+\\r\\n)?\\r\\n`).exec(
    body.toString('latin1'),
  );
  if (!match) return null;
  const start = match.index + match[0].length;
  return body.subarray(start, body.indexOf('\r\n--', start)).toString('latin1');
}

interface Catalogue {
  readonly items: readonly ApiItem[];
  readonly calibrated: boolean;
}

function neighbours(catalogue: Catalogue, query: ApiItem, id: string | null, params: URLSearchParams): Answer {
  const { items, calibrated } = catalogue;
  const filter = filterOf(params);
  const results = items
    .filter((item) => item.id !== id && matches(item, filter))
    .map((item) => ({ ...item, path: item.id, distance: mockDistance(query, item, params.get('box') ?? '') }))
    .map((result) => ({ ...result, score: calibrated ? mockScore(result.distance) : null }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, Number(params.get('limit') ?? 20));
  return {
    status: 200,
    body: {
      results,
      query: { id, width: 256, height: 256 },
      cursor: null,
      tookMs: 1,
      timings: { embed: 0, search: 1, score: 0 },
    },
  };
}

function listItems(items: readonly ApiItem[], params: URLSearchParams): Answer {
  const found = items.filter((item) => matches(item, filterOf(params)));
  const after = params.get('after');
  const start = after === null ? 0 : found.findIndex((item) => item.id > after);
  const page = found.slice(start, start + Number(params.get('limit') ?? 50));
  const next = start + page.length < found.length ? (page.at(-1)?.id ?? null) : null;
  return { status: 200, body: { items: page, next, total: found.length } };
}

function searchImage(catalogue: Catalogue, body: Buffer, calls: string[]): Answer {
  const params = new URLSearchParams({ limit: formField(body, 'limit') ?? '20' });
  const box = formField(body, 'box');
  if (box) params.set('box', box);
  const filter: unknown = JSON.parse(formField(body, 'filter') ?? '{}');
  for (const [field, value] of Object.entries(filter ?? {})) params.append('filter', `${field}=${String(value)}`);
  calls.push(`POST /v1/search ${decodeURIComponent(params.toString())}`);
  const image = formField(body, 'image') ?? '';
  const known = ['\x89PNG', '\xff\xd8\xff', 'RIFF'].some((magic) => image.startsWith(magic));
  if (!known) {
    return problem('image-unsupported', 415, 'this is not an image that kindred reads', 'Send a JPEG, PNG or WebP.');
  }
  const query = catalogue.items[0];
  return query ? neighbours(catalogue, query, null, params) : { status: 200, body: { results: [] } };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) if (Buffer.isBuffer(part)) parts.push(part);
  return Buffer.concat(parts);
}

/** Rendering is the slow part of a page: once is enough. */
const pictures = new Map<string, Buffer>();

async function sendImage(item: ApiItem | undefined, width: number, response: ServerResponse): Promise<void> {
  if (!item) {
    response.writeHead(404).end();
    return;
  }
  const key = `${item.id} ${width}`;
  const image =
    pictures.get(key) ??
    (await sharp(Buffer.from(drawingOf(item)))
      .resize(width)
      .webp()
      .toBuffer());
  pictures.set(key, image);
  response.writeHead(200, { 'content-type': 'image/webp' }).end(image);
}

async function sendPage(path: string, folder: string, response: ServerResponse): Promise<void> {
  const file = join(folder, normalize(path === '/' ? '/index.html' : path));
  const content = await readFile(file).catch(() => null);
  const type = types[extname(file)] ?? 'application/octet-stream';
  if (content) response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(content);
  else response.writeHead(404, { 'content-security-policy': policy }).end();
}

/** Stands in for kindred's server: its API over a made-up catalogue, and the built page. */
export async function startMockServer(page: string, port = 0): Promise<MockServer> {
  let items = mockItems;
  let calibrated = false;
  let delayMs = 0;
  let failing: { path: RegExp; status: number } | null = null;
  const calls: string[] = [];

  const answer = (path: string, params: URLSearchParams, body: Buffer): Answer => {
    if (path === '/v1/search') return searchImage({ items, calibrated }, body, calls);
    if (path === '/v1/session') return { status: 200, body: { name: null, scope: 'read', expiresAt: null } };
    calls.push(`GET ${path}?${decodeURIComponent(params.toString())}`);
    if (path === '/v1/stats') return { status: 200, body: mockStats(items) };
    if (path === '/v1/model') return { status: 200, body: model };
    if (path === '/v1/items') return listItems(items, params);
    const [, , , encoded = '', tail] = path.split('/');
    const id = decodeURIComponent(encoded);
    const item = items.find((candidate) => candidate.id === id);
    if (!item) return problem('item-not-found', 404, `no item has the id "${id}"`);
    return tail === 'similar' ? neighbours({ items, calibrated }, item, id, params) : { status: 200, body: item };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (!url.pathname.startsWith('/v1/')) return sendPage(url.pathname, page, response);
    if (url.pathname.endsWith('/image')) {
      const id = decodeURIComponent(url.pathname.split('/')[3] ?? '');
      return sendImage(
        items.find((item) => item.id === id),
        Number(url.searchParams.get('width') ?? 256),
        response,
      );
    }
    const body = await readBody(request);
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const broken = failing?.path.test(url.pathname) ? failing : null;
    const { status, body: json } = broken
      ? problem('overloaded', broken.status, 'too many searches at once', 'Try again in a few seconds.')
      : answer(url.pathname, url.searchParams, body);
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
    response.end(JSON.stringify(json));
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${actual}/`,
    calls,
    fail: (path, status) => (failing = { path, status }),
    delay: (ms) => (delayMs = ms),
    hold: (next) => (items = next),
    calibrate: () => (calibrated = true),
    heal() {
      failing = null;
      calibrated = false;
      delayMs = 0;
      items = mockItems;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
