import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Drawings, findDrawings } from '../../src/data/sources/emoji/drawings.js';
import { emojiPackages } from '../../src/data/sources/emoji/houses.js';
import { readIconSet } from '../../src/data/sources/emoji/icon-set.js';
import { findEmojiPackages } from '../../src/data/sources/emoji/packages.js';
import { loadThings, slugOf } from '../../src/data/sources/emoji/things.js';
import { renderDrawing } from '../../src/data/sources/emoji.js';
import { decodeImage } from '../../src/data/decode.js';
import { failure, temporaryFolder } from './helpers.js';

let found: Drawings;
beforeAll(async () => {
  found = await findDrawings(findEmojiPackages());
});

const drawing = (slug: string, house: string) =>
  found.drawings.find((one) => one.thing.slug === slug && one.house === house);

async function svg(slug: string, house: string): Promise<string> {
  return Buffer.from((await drawing(slug, house)?.read()) ?? []).toString();
}

describe('the emoji drawings', () => {
  it('are about 850 things in five groups, each by four houses or more', () => {
    const houses = new Map<string, Set<string>>();
    for (const { thing, house } of found.drawings) {
      houses.set(thing.label, (houses.get(thing.label) ?? new Set<string>()).add(house));
    }
    expect(houses.size).toBeGreaterThan(830);
    expect(houses.size).toBeLessThan(900);
    expect(found.drawings.length).toBeGreaterThan(6200);
    expect(Math.min(...[...houses.values()].map((set) => set.size))).toBe(4);
    expect(new Set(found.drawings.map(({ house }) => house)).size).toBe(9);
    expect(new Set(found.drawings.map(({ thing }) => thing.category))).toEqual(
      new Set(['animals & nature', 'food & drink', 'travel & places', 'activities', 'objects']),
    );
    expect(new Set(found.drawings.map(({ thing, house }) => `${thing.slug}/${house}`)).size).toBe(
      found.drawings.length,
    );
  });

  it('match by the names of old sets too', () => {
    // fxemoji names its icons after Unicode's formal names: SLICE OF PIZZA.
    expect(drawing('pizza', 'fxemoji')).toBeDefined();
    expect(drawing('t-rex', 'openmoji')).toBeDefined();
    expect(drawing('desktop-computer', 'fluent-emoji-3d')).toBeDefined();
  });

  it('leave out what an old set cannot hold, and drawings that lost their colours', async () => {
    // The "window" of the old sets is one on a screen; the insect "cricket" is the game.
    expect(drawing('window', 'fxemoji')).toBeUndefined();
    expect(drawing('cricket', 'emojione')).toBeUndefined();
    expect(drawing('cricket-game', 'emojione')).toBeDefined();
    expect(await svg('window', 'noto')).toContain('<svg');
    expect(drawing('tram-car', 'fxemoji')).toBeUndefined();
    expect(drawing('tram-car', 'noto')).toBeDefined();
  });

  it('come with everyone’s licence', () => {
    expect(found.credits).toHaveLength(9);
    expect(found.credits.every(({ author, licence }) => author !== undefined && licence.length > 2)).toBe(true);
    expect(found.credits.find(({ name }) => name === 'OpenMoji')?.licence).toBe('CC-BY-SA-4.0');
  });

  it.each(['noto', 'fxemoji', 'fluent-emoji-3d'])('of %s become square pictures on white', async (house) => {
    const pizza = drawing('pizza', house);
    if (!pizza) throw new Error('no pizza');
    const bytes = await renderDrawing(pizza);
    const image = await decodeImage({ bytes }, { size: 64 });
    expect(image).toMatchObject({ sourceWidth: 160, sourceHeight: 160 });
    expect([...image.data.subarray(0, 3)]).toEqual([255, 255, 255]);
    const middle = (32 * 64 + 32) * 3;
    const [red = 0, , blue = 255] = image.data.subarray(middle, middle + 3);
    expect(red).toBeGreaterThan(blue + 50);
  });
});

describe('findEmojiPackages', () => {
  it('says which command installs what is missing', async () => {
    const nowhere = pathToFileURL(join(await temporaryFolder(), 'package.json'));
    const error = await failure(Promise.resolve().then(() => findEmojiPackages([nowhere])));
    expect(error.code).toBe('source-missing');
    expect(error.hint).toBe(`Install them: npm install --save-dev ${emojiPackages.join(' ')}`);
  });

  it('finds each where it is', async () => {
    const folders = findEmojiPackages();
    expect([...folders.keys()]).toEqual(emojiPackages);
    const manifest = await readFile(join(folders.get('emojibase-data') ?? '', 'package.json'), 'utf8');
    expect(manifest).toContain('"name": "emojibase-data"');
  });
});

describe('things and icon sets', () => {
  it.each([
    ['T-Rex', 't-rex'],
    ['piñata', 'pinata'],
    ['woman’s hat', 'womans-hat'],
    ['pine decoration', 'pine-decoration'],
    ['A & B!', 'a-and-b'],
  ])('slugs %s', (label, slug) => {
    expect(slugOf(label)).toBe(slug);
  });

  it('have unique slugs', async () => {
    const things = await loadThings(findEmojiPackages().get('emojibase-data') ?? '');
    expect(new Set(things.map(({ slug }) => slug)).size).toBe(things.length);
  });

  it('follow aliases by name', async () => {
    const folder = findEmojiPackages().get('@iconify-json/emojione-v1') ?? '';
    const set = await readIconSet(folder, new Map(), new Map([['1f436', ['dog-face']]]));
    const thing = { label: 'x', slug: 'no-such-icon', category: '', code: '1f436', unicodeName: undefined, version: 1 };
    expect(set.match([thing]).get(thing)).toMatch(/^<svg .*viewBox="0 0 64 64"/);
    expect(set.match([{ ...thing, code: '0' }]).size).toBe(0);
  });
});
