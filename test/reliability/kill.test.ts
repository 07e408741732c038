import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';

const times = Number(process.env['KINDRED_SOAK_KILLS'] ?? 4);
const script = fileURLToPath(new URL('mixed-writer.js', import.meta.url));

/** What an item may be after a kill: its last acknowledged state, or that of a write that was under way. Null: not there. */
type States = Map<string, (string | null)[]>;

/** Runs the writer until it is killed at a random instant; takes what it said into `states`. */
async function runAndKill(folder: string, seed: number, states: States): Promise<number> {
  const child = spawn(process.execPath, [script, folder, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => (text += chunk));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  // A spread of instants over opening, writing and saving the graph.
  await new Promise((resolve) => setTimeout(resolve, (seed * 37) % 400));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  const under = new Map<string, { id: string; state: string | null }>();
  let acknowledged = 0;
  for (const line of text.split('\n').slice(0, -1)) {
    const [word, number = '', op, id = ''] = line.split(' ');
    if (word === 'start') {
      const state = op === 'put' ? number : null;
      under.set(number, { id, state });
      states.set(id, [...(states.get(id) ?? [null]), state]);
    }
    const done = word === 'ok' ? under.get(number) : undefined;
    if (!done) continue;
    acknowledged++;
    states.set(done.id, [done.state]);
  }
  return acknowledged;
}

it(`loses no acknowledged write and brings nothing back in ${times} kills`, { timeout: times * 20_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-kill-'));
  const states: States = new Map();
  let acknowledged = 0;
  try {
    await (await openEmbeddedCatalogue({ folder, create: { fingerprint: 'model', dimension: 4 } })).close();
    for (let seed = 1; seed <= times; seed++) {
      acknowledged += await runAndKill(folder, seed, states);
      const catalogue = await openEmbeddedCatalogue({ folder });
      try {
        const there = new Map((await catalogue.scan({ limit: 1000 })).items.map(({ id, label }) => [id, label]));
        for (const [id, possible] of states) {
          const state = there.get(id) ?? null;
          expect(possible, `${id} after kill ${seed}`).toContain(state);
          states.set(id, [state]);
        }
        for (const id of there.keys()) expect(states.has(id)).toBe(true);
        // Search sees what the rows say, by the graph and exactly.
        const vector = Float32Array.of(1, 0, 0, 0);
        for (const exact of [false, true]) {
          const found = await catalogue.search(vector, { limit: 1000, exact });
          expect(found.map(({ item }) => item.id).sort()).toEqual([...there.keys()].sort());
        }
      } finally {
        await catalogue.close();
      }
    }
    expect(acknowledged).toBeGreaterThan(times * 5);
    if (process.env['KINDRED_SOAK_KILLS'] !== undefined)
      console.log(JSON.stringify({ kills: times, acknowledged, lost: 0, ghosts: 0 }));
  } finally {
    await rm(folder, { recursive: true });
  }
});
