import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandContext } from '../../src/cli/command.js';
import { silent } from '../../src/core/progress.js';
import { createIndex } from '../../src/indexing/folder/create.js';
import { meanColour } from '../server/fakes.js';
import { colours, model, picture } from '../server/helpers.js';

export interface TestIndex {
  readonly root: string;
  readonly folder: string;
  close(): Promise<void>;
}

/** A real index on disk of the pictures of the server tests, with a bundle that says just enough. */
export async function createTestIndex(): Promise<TestIndex> {
  const root = await mkdtemp(join(tmpdir(), 'kindred-cli-'));
  const [bundleFolder, folder] = [join(root, 'bundle'), join(root, 'index')];
  await mkdir(bundleFolder);
  const { fingerprint, dimension } = model;
  await writeFile(join(bundleFolder, 'bundle.json'), JSON.stringify(model));
  const index = await createIndex(folder, { bundleFolder, fingerprint, dimension });
  for (const [id, { left, right, category, price }] of Object.entries(colours)) {
    const bytes = await picture(left, right);
    const imagePath = join(root, `${price}-${left.join('-')}.png`);
    await writeFile(imagePath, bytes);
    const { embedding, width, height, contentHash } = await meanColour({ image: { bytes }, hash: true });
    const metadata = { category, price };
    await index.catalogue.put([
      { id, label: category, metadata, imagePath, width, height, contentHash: contentHash ?? '', embedding },
    ]);
  }
  await index.close();
  return { root, folder, close: () => rm(root, { recursive: true }) };
}

export interface TestContext extends CommandContext {
  readonly printed: string[];
  readonly warned: string[];
  abort(): void;
}

export function testContext(): TestContext {
  const controller = new AbortController();
  const [printed, warned]: string[][] = [[], []];
  return {
    printed: printed ?? [],
    warned: warned ?? [],
    out: (text) => printed?.push(text),
    warn: (text) => warned?.push(text),
    progress: silent,
    signal: controller.signal,
    abort: () => controller.abort(),
  };
}
