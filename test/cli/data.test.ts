import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { command } from '../../src/cli/commands/data.js';
import { loadDataset } from '../../src/data/dataset-folder.js';
import { failure, temporaryFolder, writePictures } from '../data/helpers.js';
import { cubFiles, writeTgz } from '../data/miniatures.js';
import { collect } from './collect.js';

/** Runs `kindred data …`; what went to stdout. */
async function run(...words: string[]): Promise<string> {
  const { context, out } = collect();
  try {
    await command.build(context).exitOverride().parseAsync(words, { from: 'user' });
  } finally {
    printed = out.join('\n');
  }
  return printed;
}
let printed = '';

async function shop(): Promise<{ photos: string; out: string }> {
  const base = await temporaryFolder();
  const photos = join(base, 'photos');
  await writePictures(photos, ['a/1.jpg', 'a/2.jpg', 'b/1.jpg', 'b/2.jpg', 'c/1.jpg', 'c/2.jpg', 'alone/1.jpg']);
  await writeFile(join(photos, 'a', 'zero.jpg'), '');
  return { photos, out: join(base, 'out') };
}

describe('kindred data prepare', () => {
  it('prints a table, what is left out, and what was skipped', async () => {
    const { photos, out } = await shop();
    const text = await run('prepare', 'folder', '--from', photos, '--out', out, '--split', 'every-second');
    expect(text).toContain(`photos: 7 images in ${out}`);
    expect(text).toMatch(/train +2 +4\n +validation +0 +0\n +test +1 +2\n +none +1 +1\n +all +4 +7\n/);
    expect(text).toContain('In no split: 1 alone in their class.');
    expect(text).toContain('train with --classes-per-batch 2');
    expect(text).toContain('Skipped 1 image:\n  a/zero.jpg: is empty (0 bytes)');
  });

  it('prints the same as JSON, and depends on the seed alone', async () => {
    const { photos, out } = await shop();
    const summary = z.object({
      folder: z.string(),
      skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
      leftOut: z.object({ alone: z.number() }),
      manifest: z.object({ split: z.object({ seed: z.number(), hash: z.string() }) }),
    });
    const prepare = async (seed: string) =>
      summary.parse(
        JSON.parse(await run('prepare', 'folder', '--from', photos, '--out', out, '--seed', seed, '--json')),
      );
    const first = await prepare('1');
    expect(first).toMatchObject({ folder: out, leftOut: { alone: 1 }, skipped: [{ path: 'a/zero.jpg' }] });
    expect((await prepare('1')).manifest.split.hash).toBe(first.manifest.split.hash);
    const hashes = new Set<string>();
    for (const seed of ['2', '3', '4', '5']) hashes.add((await prepare(seed)).manifest.split.hash);
    expect(hashes.size).toBeGreaterThan(1);
  });

  it.each([
    [['foldr', '--out', 'x'], 'unknown-name', 'did you mean "folder"?'],
    [['folder', '--from', 'x'], 'invalid-option', '--out is missing'],
    [['folder', '--out', 'x'], 'invalid-option', '--from is missing'],
    [['emoji', '--out', 'x', '--from', 'y'], 'invalid-option', 'emoji takes no --from'],
    [['folder', '--out', 'x', '--from', 'y', '--root', 'z'], 'invalid-option', 'folder takes no --root'],
    [
      ['folder', '--from', 'x', '--out', 'y', '--split', 'evry-second'],
      'invalid-option',
      'did you mean "every-second"?',
    ],
    [['folder', '--from', 'x', '--out', 'y', '--split', 'official'], 'invalid-option', 'folder has no official split'],
    [['folder', '--from', 'x', '--out', 'y', '--fold', '6/5'], 'invalid-option', '--fold: must be i/k'],
    [['cub', '--from', 'x', '--out', 'y', '--fold', '1/5'], 'invalid-option', 'official split of cub has no folds'],
    [['folder', '--from', 'x', '--out', 'y', '--allow-incomplete'], 'invalid-option', 'takes no --allow-incomplete'],
    [['sop', '--out', 'y'], 'source-missing', '--from is missing'],
    [['folder', '--from', 'x', '--out', 'y', '--seed', '-1'], 'invalid-option', '--seed: must be at least 0'],
  ])('refuses %j', async (words, code, message) => {
    const error = await failure(run('prepare', ...words));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it('deals the classes out to folds', async () => {
    const { photos, out } = await shop();
    const tested: (string | null)[] = [];
    for (const fold of ['1/3', '2/3', '3/3']) {
      const text = await run('prepare', 'folder', '--from', photos, '--out', out, '--fold', fold);
      expect(text).toContain(`Split by class: random, fold ${fold}, seed 0`);
      const { items, split } = await loadDataset(out);
      expect(split.fold).toBe(fold);
      tested.push(...items.filter((item) => item.split === 'test').map(({ label }) => label));
    }
    expect(tested.sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('refuses an archive that is not whole, and takes it with --allow-incomplete, telling what is missing', async () => {
    const base = await temporaryFolder();
    const archive = await writeTgz(join(base, 'CUB_200_2011.tgz'), await cubFiles());
    const words = ['prepare', 'cub', '--from', archive, '--out', join(base, 'out')];
    const error = await failure(run(...words));
    expect(error.message).toBe('train: 12 images of 4 classes, published are 5864 images of 100 classes');
    expect(error.hint).toContain('--allow-incomplete');
    const text = await run(...words, '--allow-incomplete');
    expect(text).toContain('results are not comparable with published ones:\n  train: 12 images of 4 classes');
    expect(text).toMatch(/Licence: non-commercial research .*\nCite: C\. Wah/);
  });

  it('writes nothing with --strict when an image cannot be read', async () => {
    const { photos, out } = await shop();
    const error = await failure(run('prepare', 'folder', '--from', photos, '--out', out, '--strict'));
    expect(error).toMatchObject({ code: 'image-unreadable' });
    expect(await readdir(join(out, '..'))).toEqual(['photos']);
  });
});

describe('kindred data check', () => {
  it('passes a good data set', async () => {
    const { photos, out } = await shop();
    await run('prepare', 'folder', '--from', photos, '--out', out, '--split', 'every-second');
    const text = await run('check', out);
    expect(text).toContain('Images a class: 2 to 2, median 2');
    expect(text).toContain('Classes with one image, not trained on or measured: 1\n  alone');
    expect(text).toContain('Nothing must be fixed.');
  });

  it('prints the list and fails when something must be fixed', async () => {
    const { photos, out } = await shop();
    await run('prepare', 'folder', '--from', photos, '--out', out, '--split', 'every-second');
    await writeFile(join(photos, 'b', '1.jpg'), 'no image');
    const error = await failure(run('check', out));
    expect(error).toMatchObject({ code: 'dataset-invalid', message: `${out}: 1 thing must be fixed` });
    expect(printed).toContain('Unreadable: 1 image\n  b/1.jpg: is not an image');
    await failure(run('check', out, '--json'));
    const report = z.object({ problems: z.array(z.string()), unreadable: z.array(z.unknown()) });
    expect(report.parse(JSON.parse(printed)).problems).toHaveLength(1);
  });

  it('names a folder without a data set, and a word that is no command', async () => {
    expect((await failure(run('check', '/nowhere'))).code).toBe('file-not-found');
    expect((await failure(run('chek', 'x'))).message).toBe('unknown command "data chek" (did you mean "check"?)');
  });
});
