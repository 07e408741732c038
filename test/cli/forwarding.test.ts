import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { forwarding } from '../../src/cli/serve/forwarding.js';
import { currentVersion } from '../../src/indexing/folder/current.js';
import { createIndex, fillVersion } from '../../src/indexing/folder/create.js';
import { writeVersionInfo } from '../../src/indexing/folder/info.js';
import { type OpenedIndex, openVersion } from '../../src/indexing/index-folder.js';
import type { NewItem } from '../../src/indexing/catalogue.js';
import { adoptTarget, builtFolder, completeSwitch } from '../../src/indexing/reindex/switch.js';
import { newItem } from '../contracts/catalogue.js';
import { l2Normalize } from '../../src/core/vectors.js';
import { colourEmbedder, paint, temporaryFolder } from '../indexing/helpers.js';

let base: string;
let source: OpenedIndex;
let target: OpenedIndex;
const request = { target: { built: 'reindex/version' }, from: 1, replayFrom: 0, skipMissing: false } as const;
const embedder = colourEmbedder({ fingerprint: 'new' });
const old = l2Normalize(Float32Array.of(1, 2, 3, 4));

beforeEach(async () => {
  base = await temporaryFolder();
  const bundleFolder = join(base, 'bundle');
  await mkdir(bundleFolder);
  await writeFile(join(bundleFolder, 'bundle.json'), '{}');
  for (let i = 0; i < 8; i++) await paint(join(base, `${i}.png`), { r: 30 * i, g: 200 - 20 * i, b: 90 });
  const folder = join(base, 'index');
  source = await createIndex(folder, { bundleFolder, fingerprint: 'old', dimension: 4 });
  const { fingerprint, dimension } = embedder;
  await fillVersion(join(folder, builtFolder), { bundleFolder, fingerprint, dimension });
  await writeVersionInfo(join(folder, builtFolder), { fingerprint, dimension });
  target = await openVersion(folder, await adoptTarget(folder, request));
});

const item = (id: string, picture: number, changes: Partial<NewItem> = {}): NewItem =>
  newItem(id, old, { imagePath: join(base, `${picture}.png`), contentHash: `picture ${picture}`, ...changes });

describe('writes while a server switches to another model', () => {
  it('are in the new version when they are acknowledged, whenever they came', async () => {
    const catalogue = forwarding(source.catalogue);
    const acknowledged = new Map<string, number>();
    let switched = false;
    const lost: string[] = [];
    const writer = async (name: string): Promise<void> => {
      // On for a while after the switch, as requests are that came before it.
      for (let i = 0, after = 0; after < 5; i++) {
        const id = `${name} ${i % 7}`;
        if (i % 5 === 4) {
          await catalogue.delete([id]);
          acknowledged.delete(id);
        } else {
          await catalogue.put([item(id, i % 8)]);
          acknowledged.set(id, i % 8);
        }
        if (switched) {
          after++;
          if (((await target.catalogue.get(id)) !== null) !== acknowledged.has(id)) lost.push(id);
        }
      }
    };
    const writers = ['a', 'b', 'c'].map(writer);
    while (acknowledged.size < 10) await new Promise((resolve) => setTimeout(resolve, 1));
    const hold = (carry: () => Promise<void>) => catalogue.hold(carry);
    await completeSwitch(source.folder, request, { source: catalogue, target, embedder, hold });
    expect(await currentVersion(source.folder)).toBe(2);
    switched = true;
    await Promise.all(writers);
    expect(lost).toEqual([]);
    const stored = await target.catalogue.contentHashes();
    expect([...stored.keys()].sort()).toEqual([...acknowledged.keys()].sort());
    for (const [id, picture] of acknowledged) {
      expect((await target.catalogue.get(id))?.imagePath).toBe(join(base, `${picture}.png`));
      const [outcome] = await embedder.embed([{ image: { path: join(base, `${picture}.png`) } }]);
      expect(await target.catalogue.embedding(id)).toEqual(outcome?.ok === true && outcome.embedding);
    }
    await target.close();
    await source.close();
  });

  it('keep their conditions', async () => {
    const catalogue = forwarding(source.catalogue);
    await catalogue.put([item('there', 1)]);
    const failed = { code: 'precondition-failed' };
    await expect(catalogue.put([item('there', 2)], { ifAbsent: true })).rejects.toMatchObject(failed);
    await expect(catalogue.delete(['there'], { ifMatch: 'another' })).rejects.toMatchObject(failed);
    expect(await catalogue.get('there')).toMatchObject({ contentHash: 'picture 1' });
    await target.close();
    await source.close();
  });

  it('are refused where the new model cannot embed them, and nothing is switched for such an item', async () => {
    const catalogue = forwarding(source.catalogue);
    await catalogue.put([item('vector', 0, { imagePath: null })]);
    const hold = (carry: () => Promise<void>) => catalogue.hold(carry);
    const parts = { source: catalogue, target, embedder, hold };
    await expect(completeSwitch(source.folder, request, parts)).rejects.toMatchObject({ code: 'reindex-incomplete' });
    expect(await currentVersion(source.folder)).toBe(1);
    expect(await catalogue.put([item('goes on', 1)])).toEqual(['added']);
    await completeSwitch(source.folder, { ...request, skipMissing: true }, parts);
    expect([...(await target.catalogue.contentHashes()).keys()]).toEqual(['goes on']);
    await target.close();
    await source.close();
  });
});
