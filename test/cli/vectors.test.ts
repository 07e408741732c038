import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeNpy, encodeNpy } from '../../src/data/npy.js';
import { createIndex } from '../../src/indexing/folder/create.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { auditFindingsSchema } from '../../src/server/schemas/audit.js';
import { dimension, newItem, unit } from '../contracts/catalogue.js';
import { failure, temporaryFolder } from '../data/helpers.js';
import { importVectors } from '../../src/cli/commands/import.js';
import { collect } from './collect.js';

const run = promisify(execFile);
const kindred = async (...args: string[]): Promise<string> => {
  const { stdout } = await run(process.execPath, ['bin/kindred.js', ...args]);
  return stdout;
};
const fingerprint = 'a'.repeat(64);

const stored = [
  newItem('a, "1".png', unit(1, 0, 0, 0), { metadata: { price: 2.5, new: true }, contentHash: 'b'.repeat(64) }),
  newItem('b', unit(1, 2, 3, 4), { label: null, imagePath: null, width: null, height: null }),
  newItem('c', unit(1, 2, 3, 4), { imagePath: null, contentHash: 'b'.repeat(64) }),
];

async function indexes() {
  const folder = await temporaryFolder();
  const bundleFolder = join(folder, 'model');
  await mkdir(bundleFolder);
  const make = async (name: string, items: typeof stored): Promise<string> => {
    const index = await createIndex(join(folder, name), { bundleFolder, fingerprint, dimension });
    await index.catalogue.put(items);
    await index.close();
    return join(folder, name);
  };
  return { folder, full: await make('full', stored), empty: await make('empty', []) };
}

async function contentOf(index: string) {
  const opened = await openIndex(index, { readOnly: true });
  const { catalogue } = opened;
  const { items } = await catalogue.scan({ limit: 10 });
  const vectors = await Promise.all(items.map(({ id }) => catalogue.embedding(id)));
  await opened.close();
  return { items, vectors };
}

describe('kindred export vectors, import vectors and audit', () => {
  it('carries an index over to another one, to the last bit', async () => {
    const { folder, full, empty } = await indexes();
    const npy = join(folder, 'v.npy');
    const written = z.looseObject({ items: z.number() }).parse(JSON.parse(await kindred('export', 'vectors', full, '--out', npy, '--json'))); // prettier-ignore
    expect(written).toMatchObject({ items: 3, dimension, fingerprint });
    expect(decodeNpy(await readFile(npy), npy)).toMatchObject({ rows: 3, columns: dimension });
    const counts: unknown = JSON.parse(await kindred('import', 'vectors', npy, '--out', empty, '--json'));
    expect(counts).toEqual({ added: 3, replaced: 0, unchanged: 0 });
    expect(await contentOf(empty)).toEqual(await contentOf(full));
  });

  it('writes ids and labels as CSV, and takes a CSV whose vectors are of any length', async () => {
    const { folder, full, empty } = await indexes();
    const [npy, csv] = [join(folder, 'v.npy'), join(folder, 'v.csv')];
    await kindred('export', 'vectors', full, '--out', npy, '--ids', csv);
    expect(await readFile(csv, 'utf8')).toBe('id,label\n"a, ""1"".png",cup\nb,\nc,cup\n');
    await writeFile(npy, encodeNpy(Float32Array.of(0, 0, 3, 4), 1, 4));
    await writeFile(csv, 'id,label,shop\nx,mug,north\n');
    await importVectors(npy, { out: empty, ids: csv, model: undefined, json: false }, collect().context);
    const { items, vectors } = await contentOf(empty);
    expect(items).toMatchObject([{ id: 'x', label: 'mug', metadata: { shop: 'north' }, imagePath: null }]);
    expect(vectors[0]).toEqual(Float32Array.of(0, 0, 0.6, 0.8));
  });

  const unfit = [
    ['rows that do not fit', '{"id":"x"}\n{"id":"y"}\n', 4, 'dataset-invalid', '2 rows'],
    ['an id twice', '{"id":"x"}\n{"id":"x"}\n', 4, 'dataset-invalid', 'row 2: the id "x" is in row 1 already'],
    ['a line that is no JSON', '{"id":\n', 4, 'invalid-json', 'line 1'],
    ['a line without an id', '{"label":"x"}\n', 4, 'dataset-invalid', 'line 1: id'],
    ['another dimension', '{"id":"x"}\n', 3, 'invalid-vector', '3 numbers'],
    ['another model', '{"id":"x","model":"b"}\n', 4, 'model-mismatch', 'row 1'],
  ] as const;

  it('refuses what does not fit, and stores nothing', async () => {
    const { folder, empty } = await indexes();
    for (const [, ids, columns, code, message] of unfit) {
      const npy = join(folder, 'v.npy');
      await writeFile(npy, encodeNpy(new Float32Array(columns).fill(1), 1, columns));
      await writeFile(join(folder, 'v.ids.jsonl'), ids);
      const error = await failure(importVectors(npy, { out: empty, json: false }, collect().context));
      expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
    }
    expect((await contentOf(empty)).items).toEqual([]);
  });

  it('audits an index, and writes the page', async () => {
    const { folder, full } = await indexes();
    const page = join(folder, 'audit.html');
    const found = auditFindingsSchema.parse(JSON.parse(await kindred('audit', full, '--json', '--html', page)));
    expect(found.duplicates.map(({ kind, items }) => [kind, items.map(({ id }) => id)])).toEqual([
      ['near', ['a, "1".png', 'b', 'c']],
    ]);
    expect(await readFile(page, 'utf8')).toContain('<h2>Duplicates: 1</h2>');
    const nothing = await kindred('audit').catch((error: unknown) => String(error));
    expect(nothing).toContain('error [usage]: nothing to audit');
  });
});
