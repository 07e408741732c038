import type { DatasetItem, SplitName } from '../../data/dataset.js';
import type { Match } from './groups.js';
import { check, type ProtocolCheck } from './protocol-check.js';

export const measured = (split: SplitName): boolean => split !== 'none';

/** Sorts matches between pictures by what they do to the results. */
export function pictureChecks(
  name: string,
  how: string,
  matches: readonly Match[],
  items: readonly DatasetItem[],
  evaluated: SplitName | undefined,
): ProtocolCheck[] {
  const pairs = matches.flatMap(({ a, b, bits, exact, distance }) => {
    const [one, two] = [items[a], items[b]];
    if (!one || !two || !measured(one.split) || !measured(two.split) || one.id === two.id) return [];
    const why = exact ? '' : `: ${[...(bits === null ? [] : [`hashes differ in ${bits} of 64 bits`]), ...(distance === null ? [] : [`distance ${distance.toFixed(4)}`])].join(', ')}`; // prettier-ignore
    const say = (item: DatasetItem): string => `${item.id} (${item.split}, ${item.label ?? 'no label'})`;
    return [{ one, two, text: `${say(one)} = ${say(two)}${why}` }];
  });
  const across = pairs.filter(({ one, two }) => one.split !== two.split);
  const chosen = across.filter(({ one, two }) => one.split !== 'train' && two.split !== 'train');
  const inside = pairs.filter(
    ({ one, two }) => one.split === two.split && (evaluated === undefined || one.split === evaluated),
  );
  const clashes = inside.filter(({ one, two }) => one.label !== two.label);
  const twins = inside.filter(({ one, two }) => one.label === two.label);
  const texts = (some: readonly { text: string }[]): string[] => some.map(({ text }) => text);
  return [
    across.length === 0
      ? check(name, 'passed', `no picture of one split is in another, ${how}`)
      : check(name, 'finding', `${across.length} pairs of the same picture lie in two splits, ${how}`, texts(across)),
    ...(chosen.length > 0
      ? [check(`${name}, validation and test`, 'finding', `${chosen.length} pairs of the same picture are in validation and in test, ${how}`, texts(chosen))] // prettier-ignore
      : []),
    ...(clashes.length > 0
      ? [check(`${name}, other class`, 'finding', `${clashes.length} pairs of the same picture are in two classes of a split, ${how}`, texts(clashes))] // prettier-ignore
      : []),
    ...(twins.length > 0
      ? [check(`${name}, within`, 'note', `${twins.length} pairs of the same picture are in one class, which makes them easy to find, ${how}`, texts(twins))] // prettier-ignore
      : []),
  ];
}
