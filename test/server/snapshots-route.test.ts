import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openShelf } from '../../src/indexing/snapshot/shelf.js';
import { type SnapshotShelf, snapshotSchema, snapshotsResponseSchema } from '../../src/server/schemas/snapshots.js';
import { createTestIndex, type TestIndex } from '../cli/helpers-serve.js';
import { createWorld, expectProblem, type World } from './helpers.js';

let world: World;
let index: TestIndex;
let folder: string;
let shelf: SnapshotShelf;
beforeAll(async () => {
  world = await createWorld();
  index = await createTestIndex();
  folder = await mkdtemp(join(tmpdir(), 'kindred-shelf-'));
  shelf = openShelf(index.folder, join(folder, 'shelf'), new AbortController().signal);
});
afterAll(async () => {
  await world.close();
  await index.close();
  await rm(folder, { recursive: true });
});

const post = (body: object, snapshots: SnapshotShelf | undefined = shelf) =>
  request(world.withApp({ snapshots }).handler).post('/v1/snapshots').send(body);

describe('/v1/snapshots', () => {
  it('copies the index under a name that was asked for, or the time, and lists what there is', async () => {
    const named = snapshotSchema.parse((await post({ name: 'monday' }).expect(200)).body);
    expect(named).toMatchObject({ name: 'monday', items: 5, missing: [] });
    const timed = snapshotSchema.parse((await post({}).expect(200)).body);
    expect(timed.name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d/);
    const listed = await request(world.withApp({ snapshots: shelf }).handler)
      .get('/v1/snapshots')
      .expect(200);
    expect(snapshotsResponseSchema.parse(listed.body)).toEqual({ snapshots: [timed, named], running: null });
    expect((await readdir(join(folder, 'shelf'))).sort()).toEqual([timed.name, 'monday'].sort());
    expectProblem(await post({ name: 'monday' }), 409, 'snapshot-exists', 'name');
  });

  it.each(['..', '.hidden', 'a/b', 'a\\b', '', 'x'.repeat(65), '/etc', 'ü'])(
    'takes no path for a name: %j',
    async (name) => {
      expectProblem(await post({ name }), 422, 'invalid-option', 'name');
    },
  );

  it('writes one at a time', async () => {
    let end: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (end = resolve));
    const slow: SnapshotShelf = { ...shelf, create: (name) => held.then(() => shelf.create(name)) };
    const { handler } = world.withApp({ snapshots: slow });
    const first = request(handler).post('/v1/snapshots').send({ name: 'first' }).then();
    let running: string | null = null;
    while (running === null) {
      running = snapshotsResponseSchema.parse((await request(handler).get('/v1/snapshots')).body).running;
    }
    expect(running).toBe('first');
    expectProblem(await request(handler).post('/v1/snapshots').send({ name: 'second' }), 409, 'snapshot-running');
    end();
    expect((await first).status).toBe(200);
    expect((await request(handler).post('/v1/snapshots').send({ name: 'third' })).status).toBe(200);
  });

  it('says how to have a folder for them', async () => {
    const { handler } = world.withApp({});
    expect(expectProblem(await request(handler).post('/v1/snapshots').send({}), 404, 'route-not-found').hint).toContain(
      '--snapshots DIR',
    );
    expectProblem(await request(handler).get('/v1/snapshots'), 404, 'route-not-found');
  });
});
