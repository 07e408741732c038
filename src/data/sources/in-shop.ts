import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RoleName } from '../dataset.js';
import { findFirst, notFoundIn, type Place, requireFrom, unpackImages } from '../protocol/find.js';
import { badLine, type IndexFile, readIndexFile } from '../protocol/index-file.js';
import { checkListing, type PublishedCounts } from '../protocol/published.js';
import type { DatasetSource, GatherRequest } from '../source.js';
import type { UnsplitItem } from '../split.js';

export interface InShopProtocol {
  readonly counts: PublishedCounts;
}

export const inShopProtocol: InShopProtocol = {
  counts: {
    train: { images: 25_882, classes: 3997 },
    query: { images: 14_218, classes: 3985 },
    gallery: { images: 12_612, classes: 3985 },
  },
};

const partition = 'list_eval_partition.txt';
const benchmark = 'In-shop Clothes Retrieval Benchmark';
const page = 'https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html';
const fetchFrom = `Fetch Eval/${partition} and Img/img.zip of the ${benchmark} from ${page}, and give the folder that holds both.`;
const columns = ['image_name', 'item_id', 'evaluation_status'];

const about = {
  name: 'in-shop',
  licence: 'non-commercial research (DeepFashion agreement)',
  citation:
    'Z. Liu, P. Luo, S. Qiu, X. Wang, X. Tang: DeepFashion: Powering Robust Clothes Recognition and Retrieval with Rich Annotations. CVPR 2016.',
  credits: [
    {
      name: benchmark,
      author: 'Multimedia Laboratory, The Chinese University of Hong Kong',
      licence: 'non-commercial research',
      url: page,
    },
  ],
} as const;

/** The partition file, and the folder that holds img/. */
async function findParts(request: GatherRequest): Promise<{ index: IndexFile; place: Place }> {
  const { from, kind } = await requireFrom(request, fetchFrom);
  if (kind === 'file') throw notFoundIn(from, `${partition} beside the pictures`, fetchFrom);
  const bases = [from, join(from, benchmark)];
  const folders = bases.flatMap((base) => [base, join(base, 'Eval'), join(base, 'Img')]);
  const path = await findFirst(folders, [partition], 'file');
  if (path === undefined) throw notFoundIn(from, partition, fetchFrom);
  const index = { path, shown: path };
  const unpacked = await findFirst(folders, ['img'], 'folder');
  if (unpacked !== undefined) return { index, place: { root: dirname(unpacked), where: dirname(unpacked) } };
  const packed = await findFirst(folders, ['img.zip'], 'file');
  if (packed === undefined) throw notFoundIn(from, 'img/ or img.zip', fetchFrom);
  return { index, place: await unpackImages(packed, request, '', (name) => name.startsWith('img/')) };
}

const sides: Readonly<Record<string, { readonly half: 'train' | 'test'; readonly role?: RoleName }>> = {
  train: { half: 'train' },
  query: { half: 'test', role: 'query' },
  gallery: { half: 'test', role: 'gallery' },
};

async function readItems(file: IndexFile): Promise<UnsplitItem[]> {
  const lines = await readIndexFile(file, columns, 2);
  const told = Number((await readFile(file.path, 'utf8')).split('\n', 1)[0]);
  if (told !== lines.length) throw badLine(file, 1, `says ${told} images, ${lines.length} are listed`);
  return lines.map(({ line, fields }): UnsplitItem => {
    const [image = '', item = '', status = ''] = fields;
    const side = Object.hasOwn(sides, status) ? sides[status] : undefined;
    if (!side) throw badLine(file, line, `"${status}" is none of ${Object.keys(sides).join(', ')}`);
    // img/WOMEN/Dresses/id_00000002/02_1_front.jpg
    const [top, department = '', category = ''] = image.split('/');
    if (top !== 'img') throw badLine(file, line, `"${image}" is not in img/`);
    return { id: image, path: image, label: item, metadata: { department, category }, ...side };
  });
}

/** Clothes in a shop: pictures of one item are looked for among those of the gallery. */
export function createInShopSource({ counts }: InShopProtocol): DatasetSource {
  return {
    summary: 'clothes (In-Shop Clothes Retrieval); queries are searched for in the gallery',
    from: { what: `a folder with ${partition} and img.zip, or img/ unpacked from it`, required: false },
    official: 'default',
    published: true,
    async gather(request) {
      const { index, place } = await findParts(request);
      const items = await readItems(index);
      const listing = { ...place, imageFolders: ['img'], index: partition, items, counts };
      return { ...about, ...place, ...(await checkListing(listing, request)) };
    },
  };
}

export const inShopSource = createInShopSource(inShopProtocol);
