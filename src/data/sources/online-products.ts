import { dirname, join } from 'node:path';
import { findFirst, notFoundIn, type Place, requireFrom, unpackImages } from '../protocol/find.js';
import { badLine, indexFile, readIndexFile } from '../protocol/index-file.js';
import { checkListing, type PublishedCounts } from '../protocol/published.js';
import type { DatasetSource, GatherRequest } from '../source.js';
import type { Half, UnsplitItem } from '../split.js';

export interface OnlineProductsProtocol {
  readonly counts: PublishedCounts;
}

export const onlineProductsProtocol: OnlineProductsProtocol = {
  counts: { train: { images: 59_551, classes: 11_318 }, test: { images: 60_502, classes: 11_316 } },
};

const outermost = 'Stanford_Online_Products';
const archive = `${outermost}.zip`;
const page = 'https://cvgl.stanford.edu/projects/lifted_struct/';
const fetchFrom = `Fetch ${archive} (md5 7f73d41a2f44250d4779881525aea32e) from ${page} and give it: --from ${archive}`;
const halves: readonly (readonly [Half, string])[] = [
  ['train', 'Ebay_train.txt'],
  ['test', 'Ebay_test.txt'],
];
const columns = ['image_id', 'class_id', 'super_class_id', 'path'];

const about = {
  name: 'stanford-online-products',
  licence: 'as told in the README and LICENSE of the archive; the photographs belong to the sellers',
  citation:
    'H. O. Song, Y. Xiang, S. Jegelka, S. Savarese: Deep Metric Learning via Lifted Structured Feature Embedding. CVPR 2016.',
  credits: [
    {
      name: 'Stanford Online Products',
      author: 'Song, Xiang, Jegelka, Savarese and the sellers',
      licence: 'see the archive’s LICENSE',
      url: page,
    },
  ],
} as const;

async function findRoot(request: GatherRequest): Promise<Place> {
  const { from, kind } = await requireFrom(request, fetchFrom);
  const keep = (name: string): boolean => /^[^/]+_final\/[^/]+$/.test(name) || halves.some(([, file]) => file === name);
  if (kind === 'file') return unpackImages(from, request, `${outermost}/`, keep);
  const index = await findFirst([from, join(from, outermost)], ['Ebay_train.txt'], 'file');
  if (index !== undefined) return { root: dirname(index), where: dirname(index) };
  const packed = await findFirst([from], [archive], 'file');
  if (packed !== undefined) return unpackImages(packed, request, `${outermost}/`, keep);
  throw notFoundIn(from, `Ebay_train.txt or ${archive}`, fetchFrom);
}

async function readHalf(place: Place, half: Half, name: string): Promise<UnsplitItem[]> {
  const file = indexFile(place, name);
  return (await readIndexFile(file, columns, 1)).map(({ line, fields }): UnsplitItem => {
    const [, product = '', , image = ''] = fields;
    const category = /^([^/]+)_final\/[^/]+$/.exec(image)?.[1];
    if (category === undefined) throw badLine(file, line, `"${image}" is not of the form CATEGORY_final/FILE`);
    return { id: image, path: image, label: `${category}/${product}`, metadata: { category }, half };
  });
}

/** Photographs of products that sellers put up, in twelve categories. */
export function createOnlineProductsSource({ counts }: OnlineProductsProtocol): DatasetSource {
  return {
    summary: 'products in 12 categories (Stanford Online Products); the published halves',
    from: { what: `${archive} or the folder unpacked from it`, required: false },
    official: 'default',
    published: true,
    async gather(request) {
      const place = await findRoot(request);
      const items: UnsplitItem[] = [];
      for (const [half, file] of halves) items.push(...(await readHalf(place, half, file)));
      const imageFolders = [...new Set(items.map(({ path }) => path.split('/')[0] ?? ''))];
      const listing = { ...place, imageFolders, index: 'Ebay_train.txt or Ebay_test.txt', items, counts };
      return { ...about, ...place, ...(await checkListing(listing, request)) };
    },
  };
}

export const onlineProductsSource = createOnlineProductsSource(onlineProductsProtocol);
