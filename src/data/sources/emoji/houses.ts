/** A design house's set of drawings, and the npm package that brings it. */
export interface House {
  /** Goes into item ids and metadata. */
  readonly name: string;
  readonly package: string;
}

/** Sets in Iconify's JSON format: SVG drawings by icon name. */
export const iconifyHouses: readonly House[] = [
  'noto',
  'noto-v1',
  'twemoji',
  'emojione',
  'emojione-v1',
  'fluent-emoji-flat',
  'fxemoji',
  'openmoji',
].map((name) => ({ name, package: `@iconify-json/${name}` }));

/** Microsoft's 3D drawings: one WebP file for each emoji, named by its code points. */
export const fluent3d: House = { name: 'fluent-emoji-3d', package: '@lobehub/fluent-emoji-3d' };

/** Names, groups and code points of all emoji, from Unicode's CLDR. */
export const emojibase = 'emojibase-data';

export const emojiPackages: readonly string[] = [
  ...[...iconifyHouses, fluent3d].map((house) => house.package),
  emojibase,
];
