import { basename, dirname, join } from 'node:path';
import { listFolder } from '../../core/files.js';
import { unpackArchive } from '../archive/unpack.js';
import { downloadArchives, isLitter, type Place, requireFrom } from '../protocol/find.js';
import { nothingFound, scanImages } from '../scan.js';
import type { DatasetSource, Gathered, GatherRequest, Skipped } from '../source.js';
import type { UnsplitItem } from '../split.js';
import {
  compareCounts,
  type Drawing,
  invalid,
  type OmniglotProtocol,
  omniglotProtocol,
  parseName,
  testPart,
} from './omniglot/protocol.js';

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

interface Found {
  readonly drawing: Drawing;
  readonly path: string;
}

/** Drops what an earlier part holds already. */
function toGathered(place: Place, found: readonly Found[], deviations: readonly string[]): Gathered {
  const firstPart = new Map<string, string>();
  const parts = new Set(found.map(({ drawing }) => drawing.part));
  // The authors' split: other alphabets to learn from than to be tested on. It takes archives of both kinds.
  const halves = parts.has(testPart) && parts.size > 1;
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
    const half = !halves ? {} : { half: part === testPart ? ('test' as const) : ('train' as const) };
    items.push({ id, path, label, metadata: { category: alphabet, drawer }, ...half });
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
    official: 'on-request',
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
