import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePictures } from '../../src/cli/bench/images.js';
import { makeUntrainedModel } from '../../src/cli/bench/model.js';
import { openEmbedder } from '../../src/compose.js';
import { readCsv } from '../../src/data/csv.js';
import { createIndex } from '../../src/indexing/folder/create.js';
import { syncIndex } from '../../src/indexing/indexer.js';
import { createSearch } from '../../src/search/search.js';

const shared = resolve('../shared/data/grocery');
const pictures = 48;
let base = '';
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-agreement-'));
  await makeUntrainedModel(join(base, 'model'), { inputSize: 96 });
});
afterAll(() => rm(base, { recursive: true }));

/** Embeds pictures many at a time, as indexing does, then one at a time, as serving does, and compares. */
async function expectAgreement(paths: readonly string[], folder: string): Promise<void> {
  const indexer = await openEmbedder(join(base, 'model'), { threads: 2 });
  const { fingerprint, dimension } = indexer;
  const index = await createIndex(folder, { bundleFolder: join(base, 'model'), fingerprint, dimension });
  try {
    const source = paths.map((path, i) => ({ id: `${i}`, label: null, metadata: {}, path }));
    await syncIndex({ catalogue: index.catalogue, source, embedder: indexer, strict: true });
    await index.catalogue.settled();
    await indexer.close();
    const server = await openEmbedder(join(base, 'model'), { threads: 1 });
    try {
      const { search } = createSearch({ catalogue: index.catalogue, embedder: server });
      for (const { id, path } of source) {
        const stored = await index.catalogue.embedding(id);
        const [outcome] = await server.embed([{ image: { path } }]);
        if (!stored || !outcome?.ok) throw new Error(`no embedding of ${path}`);
        const difference = stored.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - (outcome.embedding[i] ?? NaN))),
          0,
        );
        expect(difference).toBeLessThanOrEqual(1e-6);
        const options = { limit: 11, exact: true };
        const [asked, known] = await Promise.all([
          search({ image: { path } }, options),
          search({ vector: stored }, options),
        ]);
        const ids = (results: typeof asked.results): string[] => results.map((one) => one.item.id).slice(0, 10);
        expect(ids(asked.results)).toEqual(ids(known.results));
        expect(ids(asked.results)).toHaveLength(10);
      }
    } finally {
      await server.close();
    }
  } finally {
    await index.close();
  }
}

describe('embeddings made while indexing and while serving', () => {
  it('agree to 1e-6 and find the same ten: generated pictures', async () => {
    await expectAgreement(await makePictures(join(base, 'pictures'), pictures), join(base, 'generated'));
  }, 60_000);

  it.skipIf(!existsSync(shared))(
    'agree to 1e-6 and find the same ten: photos',
    async () => {
      const { rows } = await readCsv(join(shared, 'manifest.csv'));
      const step = Math.floor(rows.length / pictures);
      const chosen = rows.filter((_, i) => i % step === 0).slice(0, pictures);
      await expectAgreement(
        chosen.map(({ values }) => join(shared, values['path'] ?? '')),
        join(base, 'photos'),
      );
    },
    60_000,
  );
});
