import { basename, dirname, join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { listFolder } from '../../core/files.js';
import { unpackArchive } from '../archive/unpack.js';
import type { Download } from '../download.js';
import { downloadArchives, isLitter, type Place, requireFrom } from '../protocol/find.js';
import { nothingFound, scanImages } from '../scan.js';
import type { DatasetSource, Gathered, GatherRequest, Skipped } from '../source.js';
import type { UnsplitItem } from '../split.js';

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

const page = 'https://github.com/brendenlake/omniglot';
const fetchFrom = `Fetch images_background.zip and images_evaluation.zip from ${page} (folder python), and give the folder: --from FOLDER`;

const about = {
  name: 'omniglot',
  licence: 'MIT',
  citation:
    'B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum: Human-level concept learning through probabilistic program induction. Science 350 (6266), 2015.',
  credits: [
    {
      name: 'Omniglot',
      author: 'Brenden Lake',
      licence: 'MIT',
      url: page,
    },
  ],
} as const;

interface Drawing {
  readonly part: string;
  readonly alphabet: string;
  /** Alphabet and character: what the drawing shows. */
  readonly label: string;
  readonly drawer: number;
  /** The same for the same drawing, whichever archive it came in. */
  readonly id: string;
}

/** `part/Alphabet/character01/0108_01.png`, or undefined for anything else. */
function parseName(name: string): Drawing | undefined {
  const match = /^([^/]+)\/([^/]+)\/(character\d+)\/(\d{4}_(\d{2})\.png)$/.exec(name);
  if (!match) return undefined;
  const [, part = '', alphabet = '', character = '', file = '', drawer = ''] = match;
  const label = `${alphabet}/${character}`;
  return { part, alphabet, label, drawer: Number(drawer), id: `${label}/${file}` };
}

function invalid(where: string, what: string): KindredError {
  return new KindredError('dataset-invalid', `${where}: ${what}`, {
    hint: 'Give the archives as they were published, or folders unpacked from them.',
    field: '--from',
  });
}

/**
 * Each part's counts against the published ones.
 * @throws KindredError dataset-invalid naming the first difference, unless `allowIncomplete`: then they are returned
 */
function compareCounts(
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

interface Found {
  readonly drawing: Drawing;
  readonly path: string;
}

/** Drops what an earlier part holds already. */
function toGathered(place: Place, found: readonly Found[], deviations: readonly string[]): Gathered {
  const firstPart = new Map<string, string>();
  const items: UnsplitItem[] = [];
  const skipped: Skipped[] = [];
  for (const { drawing, path } of found) {
    const { id, part, label, alphabet, drawer } = drawing;
    const before = firstPart.get(id);
    if (before !== undefined) {
      skipped.push({ path: `${part}/${id}`, reason: `in ${before}, too` });
      continue;
    }
    firstPart.set(id, part);
    items.push({ id, path, label, metadata: { category: alphabet, drawer } });
  }
  return { ...about, ...place, items: items.sort((a, b) => (a.id < b.id ? -1 : 1)), skipped, deviations };
}

async function unpackParts(
  archives: readonly string[],
  request: GatherRequest,
  protocol: OmniglotProtocol,
): Promise<Gathered> {
  const root = join(request.folder, 'images');
  const found: Found[] = [];
  const deviations: string[] = [];
  const known = new Set<string>();
  for (const archive of archives) {
    const drawings: Drawing[] = [];
    const place = (name: string): string | undefined => {
      if (isLitter(name)) return undefined;
      const drawing = parseName(name);
      if (!drawing) throw invalid(archive, `${name} is no file of the published archive`);
      drawings.push(drawing);
      return known.has(drawing.id) ? undefined : drawing.id;
    };
    await unpackArchive(archive, root, { ...request, place });
    deviations.push(...compareCounts(archive, drawings, protocol, request.allowIncomplete));
    for (const drawing of drawings) {
      known.add(drawing.id);
      found.push({ drawing, path: drawing.id });
    }
  }
  const where = archives.length === 1 && archives[0] !== undefined ? archives[0] : dirname(archives[0] ?? root);
  return toGathered({ root, where }, found, deviations);
}

async function readFolders(root: string, request: GatherRequest, protocol: OmniglotProtocol): Promise<Gathered> {
  const { images } = await scanImages(root);
  if (images.length === 0) throw nothingFound(root, `${Object.keys(protocol.parts).join(', ')}: archives or folders`);
  // The folder of one part, or the one that holds the parts.
  const prefix = basename(root) in protocol.parts ? `${basename(root)}/` : '';
  const found = images.map((path) => {
    const drawing = parseName(prefix + path);
    if (!drawing) throw invalid(root, `${path} is no file of the published data set`);
    return { drawing, path };
  });
  const drawings = found.map(({ drawing }) => drawing);
  const deviations = compareCounts(root, drawings, protocol, request.allowIncomplete);
  return toGathered({ root, where: root }, found, deviations);
}

/** Characters of 50 alphabets, each drawn by twenty people. */
export function createOmniglotSource(protocol: OmniglotProtocol): DatasetSource {
  const parts = Object.keys(protocol.parts);
  return {
    summary: 'handwritten characters of 50 alphabets, 20 drawings each (Omniglot)',
    from: {
      what: `${parts[0] ?? ''}.zip, or a folder with such archives or unpacked folders; without it, they are downloaded`,
      required: false,
    },
    published: true,
    async gather(given) {
      const path = given.from ?? (await downloadArchives(about.name, protocol.archives, given));
      const request = { ...given, from: path };
      const { from, kind } = await requireFrom(request, fetchFrom);
      if (kind === 'file') return unpackParts([from], request, protocol);
      const names = new Set(await listFolder(from));
      const archives = parts.filter((part) => names.has(`${part}.zip`) && !names.has(part));
      if (archives.length === 0) return readFolders(from, request, protocol);
      const unpacked = parts.find((part) => names.has(part));
      if (unpacked !== undefined) {
        throw invalid(from, `${unpacked} is unpacked and ${archives[0] ?? ''}.zip is not`);
      }
      return unpackParts(
        archives.map((part) => join(from, `${part}.zip`)),
        request,
        protocol,
      );
    },
  };
}

export const omniglotSource = createOmniglotSource(omniglotProtocol);
