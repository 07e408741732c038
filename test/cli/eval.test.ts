import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { evalOptions, runEval, type EvalParts } from '../../src/cli/commands/eval.js';
import { parseOptions } from '../../src/config/parse.js';
import type { Embedder } from '../../src/core/embedder.js';
import { writeDataset } from '../../src/data/dataset-folder.js';
import { at, dataset, fakeEmbedder, item } from '../evaluate/fakes.js';
import { collect } from './collect.js';

const shop = dataset([
  ...['a', 'b', 'c'].flatMap((label) => [1, 2, 3].map((n) => item(`${label}${n}`, label, 'test'))),
  item('t1', 't', 'train'),
  item('t2', 't', 'train'),
]);
const pictures = (spread: number): Record<string, readonly number[]> =>
  Object.fromEntries(
    shop.items.map(({ path }, index) => [path, at(100 * Math.floor(index / 3) + spread * (index % 3))]),
  );

/** Parts that keep a diary of what was opened and closed. */
function fakeParts(changes: Partial<EvalParts> = {}) {
  const diary: string[] = [];
  const opening = (name: string, spread: number) => (): Promise<Embedder> => {
    diary.push(`open ${name}`);
    const close = (): Promise<void> => Promise.resolve(void diary.push(`close ${name}`));
    return Promise.resolve({ ...fakeEmbedder(pictures(spread), { fingerprint: name }), close });
  };
  const training = { dataset: 'shop', splitHash: shop.splitHash, classes: ['t'] };
  const parts: EvalParts = {
    loadDataset: () => Promise.resolve(shop),
    readModel: (folder) =>
      Promise.resolve({ training, open: opening(folder, 5), openUntrained: opening(`${folder} before`, 55) }),
    openUntrained: opening('backbone', 55),
    ...changes,
  };
  return { parts, diary };
}

const parse = (flags: Record<string, unknown>) => parseOptions('eval', evalOptions, { data: 'shop', ...flags }, {});

describe('runEval', () => {
  it('measures the untrained backbone and then the model, one open at a time', async () => {
    const { parts, diary } = fakeParts();
    const report = await runEval(parse({ model: 'm' }), collect().context, parts);
    expect(diary).toEqual(['open m before', 'close m before', 'open m', 'close m']);
    expect(report.model?.['recall@1']).toBe(1);
    expect(report.untrained['recall@1']).toBeLessThan(1);
    expect([report.fingerprint, report.zeroShot?.verified]).toEqual(['m', true]);
  });

  it('measures a backbone alone', async () => {
    const { parts, diary } = fakeParts();
    const report = await runEval(parse({ untrained: true, recallAt: '8,1,1' }), collect().context, parts);
    expect(diary).toEqual(['open backbone', 'close backbone']);
    const names = ['recall@1', 'recall@8', 'r-precision', 'map@r', 'mrr', 'nmi', 'ami', 'f1'];
    expect(Object.keys(report.untrained)).toEqual(names);
    expect(report.model).toBeUndefined();
  });

  it('measures what was chosen, and no clustering unless that is', async () => {
    const { parts } = fakeParts();
    const chosen = await runEval(parse({ untrained: true, recallAt: '2', metrics: 'map,precision' }), collect().context, parts); // prettier-ignore
    expect(Object.keys(chosen.untrained)).toEqual(['precision@2', 'map']);
    expect(Object.keys(chosen)).not.toContain('clustering');
    const all = await runEval(parse({ model: 'm', recallAt: '1', metrics: 'all' }), collect().context, parts);
    const names = ['recall@1', 'precision@1', 'r-precision', 'map@r', 'map', 'mrr', 'nmi', 'ami', 'f1'];
    expect(Object.keys(all.model ?? {})).toEqual(names);
    expect(all.model).toMatchObject({ map: 1, nmi: 1, f1: 1 });
    expect(all.cmc?.model?.[0]).toBe(1);
    expect(all.clustering?.model).toMatchObject({ k: 3, seed: 0, converged: true });
  });

  it('refuses a field that no picture has', async () => {
    const failing = runEval(parse({ untrained: true, by: 'brand' }), collect().context, fakeParts().parts);
    await expect(failing).rejects.toMatchObject({ code: 'unknown-name', hint: 'The images of this split have no metadata.' }); // prettier-ignore
  });

  it('opens nothing for classes that were trained on, unless asked to', async () => {
    const { parts, diary } = fakeParts();
    const seen = { model: 'm', split: 'train', recallAt: '1' };
    await expect(runEval(parse(seen), collect().context, parts)).rejects.toMatchObject({ code: 'model-mismatch' });
    expect(diary).toEqual([]);
    const report = await runEval(parse({ ...seen, allowSeen: true }), collect().context, parts);
    expect(report.zeroShot).toMatchObject({ verified: false, seenClasses: ['t'] });
  });

  it('closes what it opened when the evaluation fails', async () => {
    const { parts, diary } = fakeParts();
    const controller = new AbortController();
    controller.abort();
    const stopped = runEval(parse({ model: 'm' }), collect(controller.signal).context, parts);
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    expect(diary).toEqual(['open m before', 'close m before']);
  });

  it.each([
    ['neither', {}],
    ['both', { model: 'm', untrained: true }],
  ])('refuses %s of --model and --untrained', async (_, flags) => {
    await expect(runEval(parse(flags), collect().context, fakeParts().parts)).rejects.toMatchObject({ code: 'usage' });
  });

  it.each([
    [{ split: 'none' }, '--split: must be test, validation or train'],
    [{ recallAt: '1;2' }, '--recall-at: must be whole numbers with commas between, e.g. 1,2,4,8'],
    [{ recallAt: '0,2' }, '--recall-at: must be at least 1'],
    [{ metrics: 'map,mpa' }, '--metrics: "mpa" is none of all, recall, precision,'],
    [{ inputSize: 'big' }, '--input-size: must be a number'],
  ])('names the rule that %j breaks', (flags, message) => {
    expect(() => parse(flags)).toThrow(message);
  });
});

const run = promisify(execFile);
const reportSchema = z.looseObject({
  untrained: z.record(z.string(), z.number().min(0).max(1)),
  queries: z.number(),
  classes: z.number(),
  leftOut: z.number(),
  split: z.string(),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  skipped: z.array(z.looseObject({ path: z.string(), code: z.string() })),
});

describe('kindred eval on pictures', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kindred-eval-'));
    // Each class is a colour, its pictures are shades of it.
    const colours = [
      [220, 30, 30],
      [30, 200, 40],
      [40, 60, 220],
    ];
    const items = [item('broken.png', '0', 'test'), item('lone.png', 'lone', 'test')];
    writeFileSync(join(folder, 'broken.png'), 'not a picture');
    const paint = async (name: string, [r = 0, g = 0, b = 0]: readonly number[]) => {
      const create = { width: 64, height: 64, channels: 3, background: { r, g, b } } as const;
      await sharp({ create }).png().toFile(join(folder, name));
    };
    await paint('lone.png', [250, 250, 250]);
    for (const [label, colour] of colours.entries()) {
      for (const shade of [0, 1, 2, 3]) {
        const name = `${label}-${shade}.png`;
        await paint(
          name,
          colour.map((value) => value - 6 * shade),
        );
        items.push(item(name, String(label), 'test'));
      }
    }
    const split = { method: 'given', seed: 0 };
    await writeDataset(join(folder, 'set'), { name: 'colours', source: 'test', root: folder, items, split });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes the table and the JSON', async () => {
    const json = join(folder, 'eval.json');
    const args = ['eval', '--data', join(folder, 'set'), '--untrained', '--input-size', '32', '--threads', '1'];
    const { stdout } = await run(process.execPath, ['bin/kindred.js', ...args, '--json', json]);
    expect(stdout).toMatch(/^colours, split test: 12 queries of 3 classes among 13 images\n/);
    expect(stdout).toMatch(/1 unreadable, skipped/);
    expect(stdout).toMatch(/^Recall@1 +100\.0 +100\.0 … 100\.0$/m);
    const report = reportSchema.parse(JSON.parse(readFileSync(json, 'utf8')));
    expect(report).toMatchObject({ queries: 12, classes: 3, leftOut: 1, split: 'test' });
    expect(report.skipped.map(({ path, code }) => [path, code])).toEqual([['broken.png', 'image-unsupported']]);
    expect(report.untrained['recall@1']).toBe(1);
    const again = await run(process.execPath, ['bin/kindred.js', ...args, '--json', '-']);
    expect(JSON.parse(again.stdout)).toEqual(JSON.parse(readFileSync(json, 'utf8')));
  });
});
