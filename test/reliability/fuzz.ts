import type { Random } from '../../src/core/random.js';

export interface FuzzRoute {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
}

export interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Every route that an OpenAPI document tells of, so that a new one is fuzzed as soon as it is there. */
export function routesOf(document: unknown): FuzzRoute[] {
  const paths = isRecord(document) && isRecord(document['paths']) ? document['paths'] : {};
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(isRecord(operations) ? operations : {}).map(([method, operation]) => {
      const parameters: unknown = isRecord(operation) ? operation['parameters'] : [];
      const listed: readonly unknown[] = Array.isArray(parameters) ? parameters : [];
      const query = listed.flatMap((parameter) =>
        isRecord(parameter) && parameter['in'] === 'query' && typeof parameter['name'] === 'string'
          ? [parameter['name']]
          : [],
      );
      return { method: method.toUpperCase(), path, query };
    }),
  );
}

const texts = [
  '', '0', '1', '-1', '20', '1e309', 'NaN', 'Infinity', 'null', 'true', 'auto', '0.5,0,0.5,1', '{"x":1}', 'label=x', '=', '%00', '%2e%2e%2f',
  '..%2F..%2Fetc%2Fpasswd', '%ff', '%E0%A4', '%', "' OR 1=1 --", '{"label":"a"}', '[]', '__proto__', 'constructor', 'toString',
  'half.png', 'fruit%2Fcherry%201.png', '%F0%9F%92%A9', 'x'.repeat(600), 'x'.repeat(9000), '\u202e', '9007199254740993',
]; // prettier-ignore
const jsons = [
  '', '{}', '[]', 'null', '1', '"x"', '{"id":"half.png"}', '{"id":1}', '{"id":"\\u0000"}', '{"vector":[1,0,0]}', '{"vector":[1e400,0,0]}',
  '{"vector":[null]}', '{"vector":[]}', '{"vector":{"length":1e9}}', '{"image":""}', '{"image":"AAAA"}', '{"image":"!"}', '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":1}}', '{"id":"half.png","limit":1e99}', '{"id":"half.png","filter":{"toString":"x"}}', '{"id":"half.png","filter":[[[]]]}',
  '{"id":"half.png","box":{"x":0,"y":0,"w":1e-300,"h":1}}', '{"id":"half.png","limit":"auto","precision":2}', '{"a":'.repeat(5000), '['.repeat(9000),
  '{"id":"half.png"', '{"id":"\ud800"}', '{"metadata":{"a":{"b":[1]}}}', '{"op":"put","id":"a"}\n{"op":"delete"}\n', 'NaN', '\ufeff{}',
]; // prettier-ignore
const types = [
  'application/json', 'application/json; charset=utf-16', 'application/json; charset=nonsense', 'application/x-ndjson', 'text/plain', 'image/png',
  'image/svg+xml', 'multipart/form-data', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', '', ';;;', 'multipart/mixed; boundary=x',
]; // prettier-ignore
const headers: readonly (readonly [string, string])[] = [
  ['content-encoding', 'gzip'], ['content-encoding', 'nonsense'], ['if-match', '*'], ['if-match', '"'], ['if-none-match', '"a", W/"b"'],
  ['range', 'bytes=9-1'], ['accept', 'x'.repeat(3000)], ['authorization', 'Bearer '], ['authorization', 'Basic ====' ], ['cookie', '__proto__=1; ;=;'],
  ['origin', 'null'], ['origin', 'http://evil.example'], ['x-forwarded-for', '\x80\xff'], ['expect', '200-maybe'], ['x-request-id', '{"a":1}'],
  ['idempotency-key', 'x'.repeat(5000)], ['transfer-encoding-x', 'chunked'], ['upgrade-insecure-requests', '1'],
]; // prettier-ignore
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND'];

/** Draws requests that are half right and half nonsense, the same for the same numbers. */
export function createFuzzer(routes: readonly FuzzRoute[], random: Random): () => FuzzedRequest {
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  const text = (): string => pick(texts) ?? '';
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
  const form = (): string =>
    `--x\r\nContent-Disposition: form-data; name="${pick(['image', 'limit', '__proto__', 'a[b][c]', '']) ?? ''}"${random() < 0.5 ? '; filename="../a"' : ''}\r\n\r\n${text()}\r\n--x${random() < 0.7 ? '--\r\n' : ''}`;

  const body = (type: string): Buffer => {
    if (random() < 0.1) return noise(Math.floor(random() * 400));
    if (type.includes('boundary=x')) return Buffer.from(form());
    const whole = Buffer.from(pick(jsons) ?? '');
    // Invalid UTF-8, or an end too early.
    if (random() < 0.1) return Buffer.concat([whole, Buffer.from([0xff, 0xc0, 0x80])]);
    return random() < 0.1 ? whole.subarray(0, Math.floor(random() * whole.length)) : whole;
  };

  return () => {
    const route = pick(routes) ?? { method: 'GET', path: '/', query: [] };
    const method = random() < 0.85 ? route.method : (pick(methods) ?? 'GET');
    const path = route.path.replace(/\{\w+\}/g, () =>
      random() < 0.3 ? 'half.png' : encodeURI(text()).replace(/%25/g, '%'),
    );
    const names = [...route.query, 'limit', '__proto__', 'a[b]'];
    const query = Array.from({ length: Math.floor(random() * 4) }, () => `${pick(names) ?? ''}=${encodeURI(text())}`);
    const type = pick(types) ?? '';
    const extra = Array.from(
      { length: Math.floor(random() * 3) },
      (): readonly [string, string] => pick(headers) ?? ['accept', '*/*'],
    );
    const sends = method === 'POST' || method === 'PUT' || random() < 0.1;
    return {
      method,
      path: `${path}${query.length > 0 ? `?${query.join('&')}` : ''}`,
      headers: Object.fromEntries<string>([...(type === '' ? [] : [['content-type', type] as const]), ...extra]),
      body: sends && method !== 'HEAD' ? body(type) : undefined,
    };
  };
}

/** What no HTTP client would send. */
export const malformed: readonly string[] = [
  '\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET /\0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 'GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'GET * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 'GET //../.. HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
  `GET /${'z'.repeat(40_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${'A: b\r\n'.repeat(3000)}\r\n`,
  'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n', 'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nZZ\r\nhello\r\n',
  'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nFFFFFFFFFFFFFFFFF\r\n',
  'CONNECT example.org:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header: x\r\n\r\n', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\r\n folded\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
]; // prettier-ignore
