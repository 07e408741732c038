import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { listFolder } from '../../core/files.js';
import { unpackZip } from '../archive/zip.js';
import { nothingFound, scanImages } from '../scan.js';
import type { DatasetSource, Gathered, GatherRequest, Skipped } from '../source.js';
import type { UnsplitItem } from '../split.js';

/** The archives, as published: what each holds. The small ones repeat alphabets of `images_background`. */
export interface OmniglotProtocol {
  readonly parts: Readonly<Record<string, { readonly alphabets: number; readonly characters: number }>>;
  readonly drawingsPerCharacter: number;
}

export const omniglotProtocol: OmniglotProtocol = {
  parts: {
    images_background: { alphabets: 30, characters: 964 },
    images_background_small1: { alphabets: 5, characters: 136 },
    images_background_small2: { alphabets: 5, characters: 156 },
    images_evaluation: { alphabets: 20, characters: 659 },
  },
  drawingsPerCharacter: 20,
};

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
      url: 'https://github.com/brendenlake/omniglot',
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

/** Each part's counts against the published ones. */
function checkCounts(from: string, drawings: readonly Drawing[], protocol: OmniglotProtocol): void {
  const parts = new Map<string, Map<string, number>>();
  for (const { part, label } of drawings) {
    const characters = parts.get(part) ?? new Map<string, number>();
    parts.set(part, characters.set(label, (characters.get(label) ?? 0) + 1));
  }
  for (const [part, characters] of parts) {
    const expected = protocol.parts[part];
    if (!expected) throw invalid(from, `there is no published archive "${part}"`);
    for (const [label, count] of characters) {
      if (count === protocol.drawingsPerCharacter) continue;
      throw invalid(`${from}, ${part}/${label}`, `${count} drawings, ${protocol.drawingsPerCharacter} are published`);
    }
    const alphabets = new Set([...characters.keys()].map((label) => label.split('/')[0])).size;
    if (alphabets !== expected.alphabets || characters.size !== expected.characters) {
      const found = `${characters.size} characters of ${alphabets} alphabets`;
      throw invalid(`${from}, ${part}`, `${found}, ${expected.characters} of ${expected.alphabets} are published`);
    }
  }
}

/** Drops what an earlier part holds already. */
function toGathered(root: string, found: readonly { drawing: Drawing; path: string }[]): Gathered {
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
  return { ...about, root, items: items.sort((a, b) => (a.id < b.id ? -1 : 1)), skipped };
}

async function unpackParts(
  archives: readonly string[],
  request: GatherRequest,
  protocol: OmniglotProtocol,
): Promise<Gathered> {
  const root = join(request.folder, 'images');
  const found: { drawing: Drawing; path: string }[] = [];
  const known = new Set<string>();
  for (const archive of archives) {
    const drawings: Drawing[] = [];
    const place = (name: string): string | undefined => {
      if (name.startsWith('__MACOSX/') || basename(name) === '.DS_Store') return undefined;
      const drawing = parseName(name);
      if (!drawing) throw invalid(archive, `${name} is no file of the published archive`);
      drawings.push(drawing);
      return known.has(drawing.id) ? undefined : drawing.id;
    };
    await unpackZip(archive, root, { ...request, place });
    checkCounts(archive, drawings, protocol);
    for (const drawing of drawings) {
      known.add(drawing.id);
      found.push({ drawing, path: drawing.id });
    }
  }
  return toGathered(root, found);
}

async function readFolders(root: string, protocol: OmniglotProtocol): Promise<Gathered> {
  const { images } = await scanImages(root);
  if (images.length === 0) throw nothingFound(root, `${Object.keys(protocol.parts).join(', ')}: archives or folders`);
  // The folder of one part, or the one that holds the parts.
  const prefix = basename(root) in protocol.parts ? `${basename(root)}/` : '';
  const found = images.map((path) => {
    const drawing = parseName(prefix + path);
    if (!drawing) throw invalid(root, `${path} is no file of the published data set`);
    return { drawing, path };
  });
  checkCounts(
    root,
    found.map(({ drawing }) => drawing),
    protocol,
  );
  return toGathered(root, found);
}

/** Characters of 50 alphabets, each drawn by twenty people. */
export function createOmniglotSource(protocol: OmniglotProtocol): DatasetSource {
  const parts = Object.keys(protocol.parts);
  return {
    summary: 'handwritten characters of 50 alphabets, 20 drawings each (Omniglot)',
    from: { what: `${parts[0] ?? ''}.zip, or a folder with such archives or unpacked folders`, required: true },
    async gather(request) {
      const { from } = request;
      if (from === undefined) throw new KindredError('invalid-option', '--from is missing', { field: '--from' });
      const kind = await stat(from).catch(() => undefined);
      if (!kind) throw new KindredError('file-not-found', `there is nothing at ${from}`, { hint: 'Check the path.' });
      if (!kind.isDirectory()) return unpackParts([from], request, protocol);
      const names = new Set(await listFolder(from));
      const archives = parts.filter((part) => names.has(`${part}.zip`) && !names.has(part));
      if (archives.length === 0) return readFolders(from, protocol);
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
