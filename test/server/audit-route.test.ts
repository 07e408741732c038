import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditCatalogue } from '../../src/evaluate/audit/catalogue.js';
import type { AuditFindings } from '../../src/server/present-audit.js';
import { auditResponseSchema } from '../../src/server/schemas/audit.js';
import { fakeCatalogue } from './fakes.js';
import { createWorld, expectProblem, type World } from './helpers.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** An audit that ends when told to. */
function heldAudit() {
  const waiting: (() => void)[] = [];
  let runs = 0;
  const audit = async (): Promise<AuditFindings> => {
    runs++;
    const { changeNumber } = { changeNumber: world.items.length + runs - 1 };
    await new Promise<void>((resolve) => waiting.push(resolve));
    const found = await auditCatalogue(fakeCatalogue(world.items), { hashPicture: () => Promise.resolve(null) });
    return { ...found, changeNumber };
  };
  return { audit, end: () => waiting.splice(0).forEach((resolve) => resolve()), runs: () => runs };
}

const get = async (handler: World['app']['handler'], query = '') =>
  auditResponseSchema.parse((await request(handler).get(`/v1/audit${query}`).expect(200)).body);

describe('GET /v1/audit', () => {
  it('gives the findings with their evidence and without a path', async () => {
    const response = await request(world.app.handler).get('/v1/audit').expect(200);
    const { state, findings } = auditResponseSchema.parse(response.body);
    expect(state).toBe('ready');
    expect(findings).toMatchObject({ items: 6, pictures: 5, unreadable: 0, complete: true });
    expect(response.text).not.toContain(world.folder);
  });

  it('says how far it is, answers others meanwhile, and keeps the findings until something changes', async () => {
    const { audit, end, runs } = heldAudit();
    let changeNumber = world.items.length;
    const base = fakeCatalogue(world.items);
    const stats = async () => ({ ...(await base.stats()), changeNumber });
    const { handler } = world.withApp({ audit, catalogue: { ...base, stats } });
    expect(await get(handler, '?wait=0')).toMatchObject({ state: 'running', findings: null });
    const waiting = get(handler, '?wait=20');
    await request(handler).get('/healthz').expect(200);
    end();
    expect((await waiting).findings?.changeNumber).toBe(changeNumber);
    expect((await get(handler)).state).toBe('ready');
    expect(runs()).toBe(1);
    changeNumber++;
    const stale = await get(handler, '?wait=0');
    expect([stale.state, stale.findings?.changeNumber, runs()]).toEqual(['running', changeNumber - 1, 2]);
    end();
    expect((await get(handler)).state).toBe('ready');
  });

  it('cuts the lists, not the counts', async () => {
    const twins = world.items.map((item, at) => ({ ...item, id: `${item.id} ${at}`, contentHash: `${at % 2}` }));
    const audit = () => auditCatalogue(fakeCatalogue(twins), { hashPicture: () => Promise.resolve(null) });
    const { findings } = await get(world.withApp({ audit }).handler, '?limit=1');
    expect([findings?.counts.duplicates, findings?.duplicates.length]).toEqual([2, 1]);
  });

  it('refuses what it does not know, and is a problem when it fails', async () => {
    expectProblem(await request(world.app.handler).get('/v1/audit?limit=0'), 422, 'invalid-option', 'limit');
    expectProblem(await request(world.app.handler).get('/v1/audit?page=2'), 422, 'invalid-option', 'page');
    const { handler } = world.withApp({ audit: () => Promise.reject(new Error('no')) });
    expectProblem(await request(handler).get('/v1/audit'), 500, 'internal');
  });
});
