import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../../core/files.js';
import type { Credit } from '../../dataset-schema.js';
import { emojibase, fluent3d, iconifyHouses } from './houses.js';
import { readCodes, readIconSet } from './icon-set.js';
import { bareCode, loadThings, type Thing } from './things.js';

/** One house's drawing of a thing, not rendered yet. */
export interface Drawing {
  readonly thing: Thing;
  readonly house: string;
  /** SVG, or a WebP file's bytes. */
  read(): Promise<Uint8Array>;
}

export interface Drawings {
  /** Thing by thing in code-unit order of slugs, then house by house. */
  readonly drawings: readonly Drawing[];
  readonly credits: readonly Credit[];
}

/** Things drawn by fewer houses than this are left out. */
const fewestHouses = 4;

async function readFluent3d(
  folder: string,
  things: readonly Thing[],
): Promise<{ drawings: Drawing[]; credit: Credit }> {
  const { license } = z.object({ license: z.string() }).parse(await readJson(join(folder, 'package.json')));
  const assets = join(folder, 'assets');
  const files = new Map(
    (await readdir(assets)).filter((name) => name.endsWith('.webp')).map((name) => [bareCode(name.slice(0, -5)), name]),
  );
  const drawings = things.flatMap((thing): Drawing[] => {
    const file = files.get(thing.code);
    return file === undefined ? [] : [{ thing, house: fluent3d.name, read: async () => readFile(join(assets, file)) }];
  });
  const url = 'https://github.com/microsoft/fluentui-emoji';
  return { drawings, credit: { name: 'Fluent Emoji 3D', author: 'Microsoft Corporation', licence: license, url } };
}

/**
 * Every house's drawing of every thing that at least four houses draw.
 * @param folders package name → folder
 */
export async function findDrawings(folders: ReadonlyMap<string, string>): Promise<Drawings> {
  const folder = (name: string): string => folders.get(name) ?? '';
  const things = await loadThings(folder(emojibase));
  const tables = new Map<string, Map<string, string>>();
  const names = new Map<string, string[]>();
  for (const house of iconifyHouses) {
    const codes = await readCodes(folder(house.package));
    tables.set(house.name, codes);
    for (const [code, name] of codes) names.set(code, [...(names.get(code) ?? []), name]);
  }
  const all: Drawing[] = [];
  const credits: Credit[] = [];
  for (const house of iconifyHouses) {
    const set = await readIconSet(folder(house.package), tables.get(house.name) ?? new Map<string, string>(), names);
    credits.push(set.credit);
    for (const [thing, svg] of set.match(things)) {
      all.push({ thing, house: house.name, read: () => Promise.resolve(Buffer.from(svg)) });
    }
  }
  const threeD = await readFluent3d(folder(fluent3d.package), things);
  all.push(...threeD.drawings);
  credits.push(threeD.credit);
  const houses = new Map<Thing, number>();
  for (const { thing } of all) houses.set(thing, (houses.get(thing) ?? 0) + 1);
  const key = ({ thing, house }: Drawing): string => `${thing.slug}/${house}`;
  const drawings = all
    .filter(({ thing }) => (houses.get(thing) ?? 0) >= fewestHouses)
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return { drawings, credits };
}
