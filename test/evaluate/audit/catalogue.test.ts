import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { l2Normalize } from '../../../src/core/vectors.js';
import { auditCatalogue, createPictureHasher } from '../../../src/evaluate/audit/catalogue.js';
import { auditHtml } from '../../../src/evaluate/audit/catalogue-html.js';
import { formatCatalogueAudit } from '../../../src/evaluate/audit/catalogue-table.js';
import { exactMatches, groupMatches } from '../../../src/evaluate/audit/groups.js';
import type { NewItem } from '../../../src/indexing/catalogue.js';
import { noise, temporaryFolder } from '../../data/helpers.js';
import { fakeCatalogue } from '../../server/fakes.js';

/** Items of three classes around three corners of the sphere, so that every neighbourhood is known. */
const corners: Readonly<Record<string, readonly number[]>> = { red: [1, 0, 0], green: [0, 1, 0], blue: [0, 0, 1] };

function item(id: string, label: string | null, near: string, at: number): NewItem {
  const corner = corners[near] ?? [];
  // Steps of unequal size along a curve: no two distances are the same.
  const embedding = l2Normalize(Float32Array.from(corner, (value, axis) => value + 0.1 * Math.sin(at * (axis + 2.3))));
  return { id, label, metadata: {}, imagePath: null, width: null, height: null, contentHash: id, embedding };
}

const shop = Object.keys(corners).flatMap((label) =>
  Array.from({ length: 12 }, (_, at) => item(`${label}/${at}`, label, label, at + 1)),
);
const noPictures = { hashPicture: () => Promise.resolve(undefined) };

describe('auditCatalogue', () => {
  it('finds nothing in a good catalogue, nor in an empty one', async () => {
    const found = await auditCatalogue(fakeCatalogue(shop), noPictures);
    expect(found).toMatchObject({ items: 36, duplicates: [], mislabelled: [], complete: true });
    const empty = await auditCatalogue(fakeCatalogue([]), noPictures);
    expect(empty).toMatchObject({ items: 0, duplicates: [], density: { median: null, fence: null }, outliers: [] });
  });

  it('names an item whose neighbours agree on another label, with them as evidence', async () => {
    const wrong = item('wrong', 'blue', 'red', 40);
    const { mislabelled } = await auditCatalogue(fakeCatalogue([...shop, wrong]), noPictures);
    expect(mislabelled).toMatchObject([{ item: { id: 'wrong' }, suggested: 'red', confidence: 1 }]);
    expect(mislabelled[0]?.neighbours.map((one) => one.item.label)).toEqual(Array(5).fill('red'));
    expect(mislabelled[0]?.neighbours.every(({ distance }) => distance < 0.2)).toBe(true);
  });

  it('lets no copy vote for the wrong label they share', async () => {
    const wrong = item('wrong', 'blue', 'red', 40);
    const copies = Array.from({ length: 6 }, (_, at) => ({ ...wrong, id: `wrong ${at}` }));
    const { mislabelled, duplicates } = await auditCatalogue(fakeCatalogue([...shop, wrong, ...copies]), noPictures);
    expect(duplicates.map(({ kind, items }) => [kind, items.length])).toEqual([['exact', 7]]);
    expect(mislabelled.map((one) => one.item.id).filter((id) => id.startsWith('wrong'))).toHaveLength(7);
  });

  it('names an item that is far from all others', async () => {
    const lonely: NewItem = { ...item('lonely', null, 'red', 1), embedding: l2Normalize(Float32Array.of(-1, -1, -1)) };
    const { outliers, density } = await auditCatalogue(fakeCatalogue([...shop, lonely]), noPictures);
    expect(outliers[0]?.item.id).toBe('lonely');
    expect(outliers[0]?.density).toBeLessThan(density.fence ?? -Infinity);
  });

  it('takes pictures for the same by their looks, tells labels that contradict, and counts what is gone', async () => {
    const folder = await temporaryFolder();
    const soft = sharp(await noise(5, 9, 7).resize(300, 240, { kernel: 'cubic' }).png().toBuffer());
    await writeFile(join(folder, 'a.png'), await soft.clone().toBuffer());
    await writeFile(join(folder, 'b.jpg'), await soft.clone().resize(150).jpeg({ quality: 60 }).toBuffer());
    const pictured = (at: number, name: string): NewItem[] =>
      shop.slice(at, at + 1).map((one) => ({ ...one, imagePath: join(folder, name) }));
    const items = [...pictured(0, 'a.png'), ...pictured(13, 'b.jpg'), ...pictured(30, 'gone.png')];
    const found = await auditCatalogue(fakeCatalogue(items), { hashPicture: createPictureHasher() });
    expect(found).toMatchObject({ items: 3, pictures: 2, unreadable: 1 });
    expect(found.duplicates).toMatchObject([{ kind: 'near', labels: ['green', 'red'] }]);
    expect(found.duplicates[0]?.bits).toBeLessThanOrEqual(6);
    expect(formatCatalogueAudit(found, 10)).toContain('red/0 (hashes differ in');
  });

  it('stops when told to', async () => {
    const controller = new AbortController();
    controller.abort();
    const stopped = auditCatalogue(fakeCatalogue(shop), { ...noPictures, signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('auditHtml', () => {
  it('is one page that shows ids and labels as text', async () => {
    const bad = { ...item('<script>alert("1")</script>', '<b>&', 'red', 40), contentHash: 'same' };
    const audit = await auditCatalogue(fakeCatalogue([bad, { ...bad, id: 'twin' }]), noPictures);
    const html = await auditHtml(audit, { title: 'a & b', limit: 5, thumbnail: () => Promise.resolve(null) });
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)');
    expect(html).toContain('<title>Audit of a &amp; b</title>');
    expect(html).not.toMatch(/<script|<b>&amp;|https?:/);
  });
});

describe('groupMatches', () => {
  it('joins what is connected, as following every match does', () => {
    const pair = fc.tuple(fc.nat(14), fc.nat(14)).filter(([a, b]) => a !== b);
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 12 }), (pairs) => {
        const reach = (from: number): number[] => {
          const seen = new Set([from]);
          for (const at of seen) for (const [a, b] of pairs) if (a === at || b === at) seen.add(a).add(b);
          return [...seen].sort((a, b) => a - b);
        };
        const naive = new Set(pairs.flat().map((at) => reach(at).join()));
        const groups = groupMatches(pairs.map(([a, b]) => ({ a, b, exact: false, bits: 1, distance: 0 })));
        expect(new Set(groups.map(({ members }) => members.join()))).toEqual(naive);
        expect(groups.flatMap(({ matches }) => matches)).toHaveLength(pairs.length);
      }),
    );
  });

  it('takes equal content hashes for one picture, and none for no evidence', () => {
    const groups = groupMatches(exactMatches(['x', null, 'y', 'x', null, 'x']));
    expect(groups.map(({ members }) => members)).toEqual([[0, 3, 5]]);
  });
});
