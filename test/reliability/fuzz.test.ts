import { Agent, request as send } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.js';
import { problemSchema } from '../../src/server/schemas/api.js';
import { startServer, type RunningServer } from '../../src/server/start.js';
import { createWorld, type World } from '../server/helpers.js';
import { createFuzzer, malformed, routesOf, type FuzzedRequest } from './fuzz.js';
import { record, scaleOf } from './scale.js';

const count = scaleOf('KINDRED_SOAK_FUZZ', 800);
/** Nothing here takes a second; what takes this long hangs. */
const mostMs = 20_000;
const clients = 8;

let world: World;
let server: RunningServer;
let agent: Agent;
beforeAll(async () => {
  world = await createWorld();
  server = await startServer(world.app, { host: '127.0.0.1', port: 0 });
  agent = new Agent({ keepAlive: true, maxSockets: clients });
});
afterAll(async () => {
  agent.destroy();
  await server.close();
  await world.close();
});

function exchange({
  method,
  path,
  headers,
  body,
}: FuzzedRequest): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': body.length };
    const options = { agent, host: '127.0.0.1', port: server.port, method, path, headers: { ...headers, ...length } };
    const sent = send(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        clearTimeout(timer);
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, type: answered['content-type'] ?? '', text: Buffer.concat(chunks).toString() });
      });
    });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${mostMs} ms`)), mostMs);
    sent.on('error', reject);
    sent.end(body);
  });
}

it(`${count} fuzzed requests to every route: no failure of the server, and no hang`, async () => {
  const document: unknown = JSON.parse(
    (await exchange({ method: 'GET', path: '/openapi.json', headers: {}, body: undefined })).text,
  );
  const routes = routesOf(document);
  expect(routes.length).toBeGreaterThan(8);
  const next = createFuzzer(routes, createRandom('fuzzed requests', process.env['KINDRED_SOAK_SEED'] ?? 1));
  const statuses = new Map<number, number>();
  let left = count;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const fuzzed = next();
      const about = `${fuzzed.method} ${fuzzed.path} ${JSON.stringify(fuzzed.headers)} ${fuzzed.body?.toString('latin1').slice(0, 300) ?? ''}`;
      const answer = await exchange(fuzzed).catch((error: unknown) => {
        throw new Error(about, { cause: error });
      });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status >= 500) expect([503, 507], about).toContain(answer.status);
      if (answer.status >= 400 && fuzzed.method !== 'HEAD' && answer.type !== '') {
        expect(answer.type, about).toMatch(/^application\/problem\+json/);
        expect(problemSchema.parse(JSON.parse(answer.text)).status, about).toBe(answer.status);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  record({ test: 'fuzzed requests', count, routes: routes.length, statuses: Object.fromEntries(statuses) });
  expect(statuses.get(200) ?? 0).toBeGreaterThan(0);
  expect((await exchange({ method: 'GET', path: '/healthz', headers: {}, body: undefined })).status).toBe(200);
}, 7_200_000);

it('bytes that are no HTTP end their connection and nothing else', async () => {
  const say = async (bytes: string): Promise<void> => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1');
      let text = '';
      socket.setTimeout(500, () => socket.destroy()); // it waits for more: its time-outs end it
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      socket.on('error', (error) => (/ECONNRESET|EPIPE/.test(error.message) ? resolve(text) : reject(error)));
      socket.on('close', () => resolve(text));
      socket.write(Buffer.from(bytes, 'latin1'));
    });
    expect(answer, JSON.stringify(bytes.slice(0, 80))).not.toMatch(/^HTTP\/1\.1 5/);
  };
  await Promise.all(malformed.map(say));
  expect((await exchange({ method: 'GET', path: '/healthz', headers: {}, body: undefined })).status).toBe(200);
}, 60_000);
