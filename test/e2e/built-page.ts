import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';

export interface BuiltPage {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Builds the page beside dist/, so that tests never see a stale one nor disturb a running server. */
export async function buildPage(): Promise<BuiltPage> {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-page-'));
  await build({ logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
