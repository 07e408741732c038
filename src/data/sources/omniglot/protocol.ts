import { KindredError } from '../../../core/errors.js';
import type { Download } from '../../download.js';

/** The archives, as published: what each holds. The small ones repeat alphabets of `images_background`. */
export interface OmniglotProtocol {
  readonly parts: Readonly<Record<string, { readonly alphabets: number; readonly characters: number }>>;
  readonly drawingsPerCharacter: number;
  /** What is downloaded without --from. */
  readonly archives: Readonly<Record<string, Download>>;
}

export const omniglotProtocol: OmniglotProtocol = {
  parts: {
    images_background: { alphabets: 30, characters: 964 },
    images_background_small1: { alphabets: 5, characters: 136 },
    images_background_small2: { alphabets: 5, characters: 156 },
    images_evaluation: { alphabets: 20, characters: 659 },
  },
  drawingsPerCharacter: 20,
  archives: {
    'images_background.zip': {
      url: 'https://github.com/brendenlake/omniglot/raw/master/python/images_background.zip',
      md5: '68d2efa1b9178cc56df9314c21c6e718',
    },
    'images_evaluation.zip': {
      url: 'https://github.com/brendenlake/omniglot/raw/master/python/images_evaluation.zip',
      md5: '6b91aef0f799c5bb55b94e3f2daec811',
    },
  },
};

/** The archive with the alphabets that the authors test on. */
export const testPart = 'images_evaluation';

export interface Drawing {
  readonly part: string;
  readonly alphabet: string;
  /** Alphabet and character: what the drawing shows. */
  readonly label: string;
  readonly drawer: number;
  /** The same for the same drawing, whichever archive it came in. */
  readonly id: string;
}

/** `part/Alphabet/character01/0108_01.png`, or undefined for anything else. */
export function parseName(name: string): Drawing | undefined {
  const match = /^([^/]+)\/([^/]+)\/(character\d+)\/(\d{4}_(\d{2})\.png)$/.exec(name);
  if (!match) return undefined;
  const [, part = '', alphabet = '', character = '', file = '', drawer = ''] = match;
  const label = `${alphabet}/${character}`;
  return { part, alphabet, label, drawer: Number(drawer), id: `${label}/${file}` };
}

export function invalid(where: string, what: string): KindredError {
  return new KindredError('dataset-invalid', `${where}: ${what}`, {
    hint: 'Give the archives as they were published, or folders unpacked from them.',
    field: '--from',
  });
}

/**
 * Each part's counts against the published ones.
 * @throws KindredError dataset-invalid naming the first difference, unless `allowIncomplete`: then they are returned
 */
export function compareCounts(
  from: string,
  drawings: readonly Drawing[],
  protocol: OmniglotProtocol,
  allowIncomplete: boolean | undefined,
): string[] {
  const { parts: published, drawingsPerCharacter } = protocol;
  const parts = new Map<string, Map<string, number>>();
  for (const { part, label } of drawings) {
    const characters = parts.get(part) ?? new Map<string, number>();
    parts.set(part, characters.set(label, (characters.get(label) ?? 0) + 1));
  }
  const differences = [...parts].flatMap(([part, characters]) => {
    const expected = published[part];
    if (!expected) throw invalid(from, `there is no published archive "${part}"`);
    const alphabets = new Set([...characters.keys()].map((label) => label.split('/')[0])).size;
    const same = alphabets === expected.alphabets && characters.size === expected.characters;
    const found = `${characters.size} characters of ${alphabets} alphabets`;
    return [
      ...[...characters]
        .filter(([, count]) => count !== drawingsPerCharacter)
        .map(([label, count]) => `${part}/${label}: ${count} drawings, ${drawingsPerCharacter} are published`),
      ...(same ? [] : [`${part}: ${found}, ${expected.characters} of ${expected.alphabets} are published`]),
    ];
  });
  const [first] = differences;
  if (first === undefined || allowIncomplete) return differences;
  throw invalid(from, first);
}
