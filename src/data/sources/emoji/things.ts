import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../../core/files.js';

/** Emojibase's ids of: animals & nature, food & drink, travel & places, activities, objects. */
const groups: ReadonlySet<number> = new Set([3, 4, 5, 6, 7]);

const dataSchema = z.array(
  z.object({ label: z.string(), hexcode: z.string(), group: z.number().optional(), version: z.number() }),
);
const messagesSchema = z.object({ groups: z.array(z.object({ message: z.string(), order: z.number() })) });
const unicodeNamesSchema = z.record(z.string(), z.string());

/** A thing that emoji show: a class of the data set. */
export interface Thing {
  /** CLDR's short name, e.g. 'hot dog'. */
  readonly label: string;
  /** A name for files and icons, e.g. 'hot-dog'; unique. */
  readonly slug: string;
  /** Its group's name, e.g. 'food & drink'. */
  readonly category: string;
  /** Code points as in file names: lower-case hexadecimal, joined by '-', without the variation selector. */
  readonly code: string;
  /** Unicode's formal name, which older sets use, e.g. 'SLICE OF PIZZA'; undefined for sequences. */
  readonly unicodeName: string | undefined;
  /** The Emoji version that it came with: 0.6 … 17. */
  readonly version: number;
}

/** '1F5BC-FE0F' → '1f5bc'; sets differ in whether they keep the variation selector. */
export function bareCode(code: string): string {
  return code
    .toLowerCase()
    .split('-')
    .filter((part) => part !== 'fe0f')
    .join('-');
}

/** 'T-Rex' → 't-rex', 'piñata' → 'pinata' */
export function slugOf(label: string): string {
  return label
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[’'.“”(),:!]/g, '')
    .replace(/&/g, 'and')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/**
 * The things of the five groups that show things: no faces, people, symbols or flags.
 * @param folder of emojibase-data
 */
export async function loadThings(folder: string): Promise<Thing[]> {
  const data = dataSchema.parse(await readJson(join(folder, 'en', 'data.json')));
  const messages = messagesSchema.parse(await readJson(join(folder, 'en', 'messages.json')));
  const unicodeNames = unicodeNamesSchema.parse(await readJson(join(folder, 'meta', 'unicode-names.json')));
  const categories = new Map(messages.groups.map(({ order, message }) => [order, message]));
  const slugs = new Set<string>();
  return data.flatMap(({ label, hexcode, group, version }): Thing[] => {
    if (group === undefined || !groups.has(group)) return [];
    const code = bareCode(hexcode);
    const slug = slugs.has(slugOf(label)) ? `${slugOf(label)}-${code}` : slugOf(label);
    slugs.add(slug);
    const unicodeName = unicodeNames[hexcode] ?? unicodeNames[code.toUpperCase()];
    return [{ label, slug, category: categories.get(group) ?? String(group), code, unicodeName, version }];
  });
}
