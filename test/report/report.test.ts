import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readBundle } from '../../src/model/bundle.js';
import type { ReportData } from '../../src/report/data.js';
import { readHistory } from '../../src/report/history.js';
import { reportJson } from '../../src/report/json.js';
import { renderPage } from '../../src/report/page.js';
import { createWorld, history, wickedName, type World } from './fixture.js';

const run = promisify(execFile);
const ids = (html: string): string[] => [...html.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id ?? '');

describe('a report', () => {
  let world: World;
  let data: ReportData;
  let html: string;
  beforeAll(async () => {
    world = await createWorld();
    data = await world.report(true);
    html = renderPage(data);
  });
  afterAll(() => world.remove());

  it('has a section for everything that is known', () => {
    expect(ids(html)).toEqual(['summary', 'metrics', 'protocol', 'curves', 'density', 'worst', 'map', 'reproduce']);
    expect(html).toContain('zero-shot: none of the 5 evaluated classes');
    expect(html).toContain('The bundle does not hold the options of its training.');
  });

  it('loads nothing: no address of another file or host', () => {
    const sources = [
      ...html.replaceAll('&lt;img src=x', '').matchAll(/(?:src|href|url)\s*[=(]\s*["']?([^"')>\s]+)/g),
    ].map(([, source]) => source ?? '');
    expect(sources.filter((source) => !/^(#|data:image\/jpeg;base64,)/.test(source))).toEqual([]);
    expect(sources.length).toBeGreaterThan(20);
  });

  it('shows class names as they are written', () => {
    expect(html).not.toContain('<img src=x');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;');
  });

  it('names the picture with the wrong colour as the worst query, with what it found', () => {
    const [worst] = data.measured?.worst ?? [];
    expect(worst?.query).toMatchObject({ path: '4-3.png', class: wickedName });
    expect(worst?.precision).toBe(0);
    expect(worst?.neighbours).toHaveLength(6);
    expect(worst?.neighbours.slice(0, 4).map((one) => one.class)).toEqual(['red', 'red', 'red', 'red']);
    const [first = NaN, second = NaN] = worst?.neighbours.map(({ distance }) => distance) ?? [];
    expect(first).toBeLessThanOrEqual(second);
    // Four of the picture with that colour's class, one of each other, are enough to know the order.
    expect(new Set(data.measured?.worst.slice(0, 5).map(({ query }) => query.class)).size).toBe(5);
  });

  it('holds densities of training and unseen classes, and R@1 of the latter', () => {
    const { unseen = [], trained = [] } = data.measured ?? {};
    expect(unseen.map((one) => one.class).sort()).toEqual([wickedName, 'blue', 'green', 'red', 'yellow'].sort());
    expect(trained.map((one) => [one.class, one.images, one.recallAt1])).toEqual([['train a', 4, null], ['train b', 4, null]]); // prettier-ignore
    expect(unseen.find((one) => one.class === wickedName)?.recallAt1).toBe(0.75);
    expect(unseen.find((one) => one.class === 'blue')?.recallAt1).toBe(1);
    const wide = Math.max(...unseen.map(({ spread }) => spread));
    expect(unseen.find(({ spread }) => spread === wide)?.class).toBe(wickedName);
  });

  it('is the same each time', async () => {
    expect(renderPage(await world.report(true)) === html).toBe(true);
  });

  it('without a data set shows what the bundle holds', async () => {
    const bare = renderPage(await world.report(false));
    expect(ids(bare)).toEqual(['summary', 'curves', 'reproduce']);
    expect(bare).toContain('validation.recall@1');
  });

  it('as JSON has the numbers and no picture', () => {
    const json = JSON.stringify(reportJson(data));
    expect(json).not.toContain('data:image');
    const shape = z.object({
      worst: z.array(z.object({ path: z.string() })),
      map: z.array(z.object({ x: z.number() })),
    });
    const parsed = shape.parse(JSON.parse(json));
    expect(parsed.worst[0]?.path).toBe('4-3.png');
    expect(parsed.map).toHaveLength(20);
  });

  it('of a bundle comes out of the command, which says what it needs', async () => {
    const out = join(world.base, 'page.html');
    const { stdout } = await run(process.execPath, [
      'bin/kindred.js',
      'report',
      world.bundle.folder,
      '--out',
      out,
      '--json',
    ]);
    const printed = z.object({ history: z.array(z.unknown()) }).parse(JSON.parse(stdout)).history;
    expect(printed).toMatchObject(history.map(({ step, loss, gap }) => ({ step, loss, gap })));
    expect(ids(await readFile(out, 'utf8'))).toEqual(['summary', 'curves', 'reproduce']);
    const failing = run(process.execPath, ['bin/kindred.js', 'report', world.bundle.folder, '--split', 'validation']);
    await expect(failing).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--split: needs --data') as unknown }); // prettier-ignore
  });
});

describe('a bundle with another history', () => {
  const historyOf = async (text: string): Promise<unknown> => {
    const world = await createWorld({ 'history.jsonl': text });
    try {
      return await readHistory(await readBundle(world.bundle.folder));
    } finally {
      await world.remove();
    }
  };

  it('of before the telemetry is shown as far as it goes', async () => {
    const old = { epoch: 1, step: 5, loss: 0.5, penalty: null, attraction: 0.3, logDensity: {}, spreadToGap: 0.9, validation: null }; // prettier-ignore
    expect(await historyOf(`${JSON.stringify(old)}\n`)).toMatchObject([
      { step: 5, spreadToGap: 0.9, validation: null },
    ]);
  });

  it('that is torn is refused with its line', async () => {
    const failing = historyOf(`${JSON.stringify(history[0])}\n{"step": 1`);
    await expect(failing).rejects.toMatchObject({ code: 'bundle-invalid', message: expect.stringContaining('line 2') as unknown }); // prettier-ignore
  });
});
