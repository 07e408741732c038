import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalogue, SearchOptions } from '../../src/indexing/catalogue.js';
import { createSearch } from '../../src/search/search.js';
import { fakeCatalogue, fakeEmbedder } from '../server/fakes.js';
import { createWorld, picture, type World } from '../server/helpers.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** A catalogue that notes what it is asked for. */
function spied(): { catalogue: Catalogue; asked: SearchOptions[] } {
  const asked: SearchOptions[] = [];
  const inner = fakeCatalogue(world.items);
  const catalogue = {
    ...inner,
    search: (vector: Float32Array, options: SearchOptions) => {
      asked.push(options);
      return inner.search(vector, options);
    },
  };
  return { catalogue, asked };
}

describe('createSearch', () => {
  it('refuses an embedder that did not make the catalogue', () => {
    const embedder = fakeEmbedder({ fingerprint: 'other' });
    expect(() => createSearch({ catalogue: fakeCatalogue([]), embedder })).toThrow(
      expect.objectContaining({ code: 'model-mismatch' }),
    );
  });

  it('hands over just the options that were given, and 20 results by default', async () => {
    const { catalogue, asked } = spied();
    const { search } = createSearch({ catalogue, embedder: world.embedder });
    await search({ vector: [1, 0, 0] });
    await search({ id: 'half.png' }, { limit: 5, filter: { and: [] }, exact: true, ef: 2 });
    const filter = { field: 'label', in: ['cherry'] };
    await search({ vector: [1, 0, 0] }, { limit: 3, filter, ef: 100 });
    expect(asked).toEqual([
      { limit: 20 },
      { limit: 5, exclude: 'half.png', exact: true, ef: 5 },
      { limit: 3, filter, ef: 100 },
    ]);
  });

  it('needs no model for an item', async () => {
    const embedder = fakeEmbedder({ embed: () => Promise.reject(new Error('not to be called')) });
    const { search } = createSearch({ catalogue: fakeCatalogue(world.items), embedder });
    const { results, query } = await search({ id: 'half.png' }, { limit: 2 });
    expect(results).toHaveLength(2);
    expect(query).toEqual({ id: 'half.png', width: 64, height: 48 });
  });

  it('leaves the item out when a part of its picture is searched for', async () => {
    const { search } = createSearch({ catalogue: fakeCatalogue(world.items), embedder: world.embedder });
    const { results } = await search({ id: 'half.png', box: { x: 0, y: 0, w: 1, h: 1 } });
    expect(results.map(({ item }) => item.id)).not.toContain('half.png');
  });

  it('takes pictures from files and from memory alike', async () => {
    const { search } = createSearch({ catalogue: fakeCatalogue(world.items), embedder: world.embedder });
    const path = world.items[2]?.imagePath ?? '';
    const fromFile = await search({ image: { path } });
    const fromMemory = await search({ image: { bytes: await picture([20, 200, 30]) } });
    expect(fromFile.results).toEqual(fromMemory.results);
    expect(fromFile.query).toEqual(fromMemory.query);
    expect(fromFile.results[0]?.item.id).toBe('leaf?#&=+%2F.png');
  });

  it('passes on what the embedder cannot do', async () => {
    const { search, embed } = createSearch({ catalogue: fakeCatalogue(world.items), embedder: world.embedder });
    const image = { bytes: Buffer.from('no picture') };
    await expect(search({ image })).rejects.toMatchObject({ code: 'image-unsupported' });
    await expect(embed({ image })).rejects.toMatchObject({ code: 'image-unsupported' });
    await expect(search({ id: 'nobody' })).rejects.toMatchObject({ code: 'item-not-found', field: 'id' });
    await expect(search({ vector: [NaN, 0, 1] })).rejects.toMatchObject({ code: 'invalid-vector' });
  });
});
