import { dirname, join } from 'node:path';
import type { Download } from '../download.js';
import { downloadArchives, findFirst, notFoundIn, type Place, requireFrom, unpackImages } from '../protocol/find.js';
import { badLine, indexFile, readNumbered } from '../protocol/index-file.js';
import { checkListing, type PublishedCounts } from '../protocol/published.js';
import type { DatasetSource, GatherRequest } from '../source.js';
import type { UnsplitItem } from '../split.js';

/** The zero-shot split of the literature: the first classes by number are trained on. */
export interface CubProtocol {
  readonly counts: PublishedCounts;
  /** Classes up to this number are trained on, the others tested on. */
  readonly lastTrainClass: number;
  readonly archive: Download;
}

export const cubProtocol: CubProtocol = {
  counts: { train: { images: 5864, classes: 100 }, test: { images: 5924, classes: 100 } },
  lastTrainClass: 100,
  archive: {
    url: 'https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz',
    md5: '97eceeb196236b17998738112f37df78',
  },
};

const outermost = 'CUB_200_2011';
const archive = `${outermost}.tgz`;
const page = 'https://data.caltech.edu/records/65de6-vp158';
const fetchFrom = `Fetch ${archive} from ${page} and give it: --from ${archive}`;
const indexFiles = ['images.txt', 'image_class_labels.txt', 'classes.txt'] as const;

const about = {
  name: 'cub-200-2011',
  licence: 'non-commercial research and education; the photographs belong to their photographers',
  citation:
    'C. Wah, S. Branson, P. Welinder, P. Perona, S. Belongie: The Caltech-UCSD Birds-200-2011 Dataset. Technical report CNS-TR-2011-001, California Institute of Technology, 2011.',
  credits: [
    {
      name: 'Caltech-UCSD Birds-200-2011',
      author: 'Wah, Branson, Welinder, Perona, Belongie and the photographers',
      licence: 'non-commercial research and education',
      url: page,
    },
  ],
} as const;

async function findRoot(given: GatherRequest, download: Download): Promise<Place> {
  const path = given.from ?? (await downloadArchives(about.name, { [archive]: download }, given));
  const request = { ...given, from: path };
  const { from, kind } = await requireFrom(request, fetchFrom);
  const keep = (name: string): boolean => name.startsWith('images/') || indexFiles.some((file) => file === name);
  if (kind === 'file') return unpackImages(from, request, `${outermost}/`, keep);
  const index = await findFirst([from, join(from, outermost)], ['images.txt'], 'file');
  if (index !== undefined) return { root: dirname(index), where: dirname(index) };
  const packed = await findFirst([from], [archive], 'file');
  if (packed !== undefined) return unpackImages(packed, request, `${outermost}/`, keep);
  throw notFoundIn(from, `images.txt or ${archive}`, fetchFrom);
}

async function readItems(place: Place, lastTrainClass: number): Promise<UnsplitItem[]> {
  const imagesFile = indexFile(place, 'images.txt');
  const labelsFile = indexFile(place, 'image_class_labels.txt');
  const images = await readNumbered(imagesFile, ['image_id', 'image_name']);
  const labels = await readNumbered(labelsFile, ['image_id', 'class_id']);
  const classes = await readNumbered(indexFile(place, 'classes.txt'), ['class_id', 'class_name']);
  for (const [id, { line }] of labels) {
    if (!images.has(id)) throw badLine(labelsFile, line, `image ${id} is not in images.txt`);
  }
  return [...images].map(([id, { line, fields }]): UnsplitItem => {
    const [, file = ''] = fields;
    const label = labels.get(id);
    if (!label) throw badLine(imagesFile, line, `image ${id} has no class in image_class_labels.txt`);
    const number = Number(label.fields[1]);
    const name = classes.get(number)?.fields[1];
    if (name === undefined) {
      throw badLine(labelsFile, label.line, `class ${label.fields[1] ?? ''} is not in classes.txt`);
    }
    const species = name.replace(/^\d+\./, '').replaceAll('_', ' ');
    const half = number <= lastTrainClass ? 'train' : 'test';
    return { id: file, path: `images/${file}`, label: name, metadata: { species }, half };
  });
}

/** Photographs of 200 species of birds. */
export function createCubSource({ counts, lastTrainClass, archive: download }: CubProtocol): DatasetSource {
  return {
    summary: 'birds of 200 species (CUB-200-2011); classes 1–100 train, 101–200 test',
    from: { what: `${archive} or the folder unpacked from it; without it, the archive is downloaded`, required: false },
    official: 'default',
    published: true,
    async gather(request) {
      const place = await findRoot(request, download);
      const items = await readItems(place, lastTrainClass);
      const listing = { ...place, imageFolders: ['images'], index: 'images.txt', items, counts };
      return { ...about, ...place, ...(await checkListing(listing, request)) };
    },
  };
}

export const cubSource = createCubSource(cubProtocol);
