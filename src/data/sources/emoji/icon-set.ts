import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../../core/files.js';
import type { Credit } from '../../dataset-schema.js';
import { bareCode, slugOf, type Thing } from './things.js';

const sizes = { width: z.number().optional(), height: z.number().optional() };
const iconsSchema = z.object({
  icons: z.record(z.string(), z.object({ body: z.string(), ...sizes })),
  // Aliases that turn or flip their parent are other pictures; none of the sets has one among its emoji.
  aliases: z.record(z.string(), z.object({ parent: z.string() })).default({}),
  ...sizes,
});
const charsSchema = z.record(z.string(), z.string());
const infoSchema = z.object({
  name: z.string(),
  author: z.object({ name: z.string(), url: z.string().optional() }),
  license: z.object({ title: z.string(), spdx: z.string().optional() }),
});

/**
 * The sets without a table of code points were drawn before Emoji 5 (2017). What came later can only match a drawing
 * of something else: 'window', of a house, would get the one on a screen.
 */
const newestWithoutTable = 3;

/** An Iconify set, read. */
export interface IconSet {
  readonly credit: Credit;
  /** Thing → its drawing as SVG, for the things that the set has. */
  match(things: readonly Thing[]): Map<Thing, string>;
}

/** The names under which sets without a table of code points may have a thing, best first. */
function candidateNames(thing: Thing, names: ReadonlyMap<string, readonly string[]>): string[] {
  const formal = thing.unicodeName;
  return [
    ...(names.get(thing.code) ?? []),
    thing.slug,
    ...(formal === undefined ? [] : [slugOf(formal), formal.toLowerCase().replace(/[^a-z0-9]/g, '')]),
  ];
}

/** Code points → icon name, where a set has such a table (older sets do not). */
export async function readCodes(folder: string): Promise<Map<string, string>> {
  const chars = charsSchema.parse(await readJson(join(folder, 'chars.json')));
  return new Map(Object.entries(chars).map(([code, name]) => [bareCode(code), name]));
}

/**
 * Reads a set. Nothing is hard-coded for single emoji: a set with a table of code points is matched by it, one without
 * by the names that the other sets, CLDR and Unicode have for the same code points.
 * @param codes this set's table, empty if it has none
 * @param names code points → icon names in the other sets
 */
export async function readIconSet(
  folder: string,
  codes: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, readonly string[]>,
): Promise<IconSet> {
  const set = iconsSchema.parse(await readJson(join(folder, 'icons.json')));
  const info = infoSchema.parse(await readJson(join(folder, 'info.json')));
  const url = info.author.url;
  const credit: Credit = {
    name: info.name,
    author: info.author.name,
    licence: info.license.spdx ?? info.license.title,
    ...(url === undefined ? {} : { url }),
  };
  const iconOf = (name: string): string | undefined => {
    let real = name;
    for (let depth = 0; depth < 5 && !(real in set.icons); depth++) real = set.aliases[real]?.parent ?? '';
    return real in set.icons ? real : undefined;
  };
  // A style sheet that got lost on the way to Iconify leaves a drawing black.
  const lostItsColours = (name: string): boolean => {
    const body = set.icons[name]?.body ?? '';
    return body.includes('class="') && !body.includes('<style');
  };
  const svgOf = (name: string): string => {
    const icon = set.icons[name];
    const width = icon?.width ?? set.width ?? 16;
    const height = icon?.height ?? set.height ?? 16;
    return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 ${width} ${height}">${icon?.body ?? ''}</svg>`;
  };
  const iconFor = (thing: Thing): string | undefined => {
    if (codes.size === 0 && thing.version > newestWithoutTable) return undefined;
    const known = codes.size > 0 ? [codes.get(thing.code) ?? ''] : candidateNames(thing, names);
    return known.map(iconOf).find((icon) => icon !== undefined);
  };
  return {
    credit,
    match: (things) =>
      new Map(
        things.flatMap((thing): [Thing, string][] => {
          const icon = iconFor(thing);
          return icon === undefined || lostItsColours(icon) ? [] : [[thing, svgOf(icon)]];
        }),
      ),
  };
}
