import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createIndex } from '../../indexing/folder/create.js';
import { syncIndex } from '../../indexing/indexer.js';
import type { SourceItem } from '../../indexing/sync-types.js';
import { bareLoops } from './bare.js';
import type { Bench, BenchContext } from './bench.js';
import { compare } from './compare.js';

/** Pictures as items to index; ids are their places in the list. */
export function sourceItems(images: readonly string[]): SourceItem[] {
  return images.map((path, index) => ({ id: `${index}`, label: null, metadata: {}, path }));
}

async function run(context: BenchContext) {
  const { images, model, openEmbedder, threads, runs, progress, signal } = context;
  const folder = join(context.folder, 'index');
  const embedder = await openEmbedder(model.folder, { threads });
  try {
    /** From an empty index until every picture is stored and in the graph. */
    const ours = async (): Promise<number> => {
      const { fingerprint, dimension } = embedder;
      const index = await createIndex(folder, { bundleFolder: model.folder, fingerprint, dimension });
      try {
        const start = performance.now();
        await syncIndex({ catalogue: index.catalogue, source: sourceItems(images), embedder, strict: true, signal });
        await index.catalogue.settled();
        return images.length / ((performance.now() - start) / 1000);
      } finally {
        await index.close();
        await rm(folder, { recursive: true });
      }
    };
    const result = await compare({ name: 'index', ours, theirs: bareLoops(context), runs, progress, signal });
    return [
      {
        name: 'index.vs-bare-loop',
        ratio: result.ratio,
        runs,
        note: `${result.ours.toFixed(0)} images/s against ${result.theirs.toFixed(0)} (${result.best})`,
        detail: { unit: 'images/s', ...result },
      },
    ];
  } finally {
    await embedder.close();
  }
}

export const indexBench: Bench = {
  summary: 'indexing against a bare loop that decodes and embeds (goal: 0.8)',
  run,
};
