import { dirname, join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { type MatValue, readMat } from '../mat/mat.js';
import { findFirst, notFoundIn, type Place, requireFrom, unpackImages } from '../protocol/find.js';
import { checkListing, type PublishedCounts } from '../protocol/published.js';
import type { DatasetSource, GatherRequest } from '../source.js';
import type { UnsplitItem } from '../split.js';

/** The zero-shot split of the literature: the first classes by number are trained on, whatever part of cars they are in. */
export interface CarsProtocol {
  readonly counts: PublishedCounts;
  /** Classes up to this number are trained on, the others tested on. */
  readonly lastTrainClass: number;
}

export const carsProtocol: CarsProtocol = {
  counts: { train: { images: 8054, classes: 98 }, test: { images: 8131, classes: 98 } },
  lastTrainClass: 98,
};

const page = 'https://ai.stanford.edu/~jkrause/cars/car_dataset.html';
const fetchFrom = `Its page (${page}) no longer serves it; give a folder from a mirror with cars_annos.mat and car_ims.tgz, or with cars_train.tgz, cars_test.tgz, devkit/ and cars_test_annos_withlabels.mat.`;

const about = {
  name: 'cars196',
  licence: 'non-commercial research (ImageNet terms)',
  citation:
    'J. Krause, M. Stark, J. Deng, L. Fei-Fei: 3D Object Representations for Fine-Grained Categorization. 3dRR-13, 2013.',
  credits: [
    {
      name: 'Cars',
      author: 'Krause, Stark, Deng, Fei-Fei',
      licence: 'non-commercial research (ImageNet terms)',
      url: page,
    },
  ],
} as const;

function invalid(path: string, what: string): KindredError {
  return new KindredError('dataset-invalid', `${path}: ${what}`, {
    hint: 'Fetch the data set again: its annotations are not as published.',
  });
}

interface Annotation {
  readonly image: string;
  /** From 1. */
  readonly number: number;
}

/** `annotations`, a struct for each picture, out of a .mat file. */
function readAnnotations(
  path: string,
  variables: ReadonlyMap<string, MatValue>,
  imageField: string,
  folder: string,
): Annotation[] {
  const annotations = variables.get('annotations');
  if (annotations?.kind !== 'structs') throw invalid(path, 'there is no struct array "annotations" in it');
  return annotations.values.map((fields, index) => {
    const [image, number] = [fields.get(imageField), fields.get('class')];
    const at = `annotations(${index + 1})`;
    if (image?.kind !== 'text') throw invalid(path, `${at} has no text "${imageField}"`);
    const value = number?.kind === 'numbers' ? number.values[0] : undefined;
    if (value === undefined) {
      throw invalid(
        path,
        `${at} has no number "class"${imageField === 'fname' ? ' (is it the file without labels?)' : ''}`,
      );
    }
    return { image: folder + image.text, number: value };
  });
}

function readClassNames(path: string, variables: ReadonlyMap<string, MatValue>): string[] {
  const names = variables.get('class_names');
  if (names?.kind !== 'cells') throw invalid(path, 'there is no cell array "class_names" in it');
  const texts = names.values.map((name) => (name.kind === 'text' ? name.text : ''));
  if (texts.includes('') || new Set(texts).size !== texts.length)
    throw invalid(path, 'class_names are not unique texts');
  return texts;
}

interface Annotations {
  readonly index: string;
  readonly names: readonly string[];
  readonly annotations: readonly Annotation[];
  readonly imageFolders: readonly string[];
}

/** One file for all pictures: car_ims/000001.jpg … */
async function readSingle(path: string): Promise<Annotations> {
  const variables = await readMat(path);
  const annotations = readAnnotations(path, variables, 'relative_im_path', '');
  return { index: 'cars_annos.mat', names: readClassNames(path, variables), annotations, imageFolders: ['car_ims'] };
}

/** The devkit: cars_train/00001.jpg … and cars_test/00001.jpg …, each with its file. */
async function readDevkit(meta: string, folders: readonly string[]): Promise<Annotations> {
  const annotations: Annotation[] = [];
  for (const [name, folder] of [
    ['cars_train_annos.mat', 'cars_train/'],
    ['cars_test_annos_withlabels.mat', 'cars_test/'],
  ] as const) {
    const path = await findFirst(folders, [name], 'file');
    if (path === undefined) throw invalid(dirname(meta), `${name} is missing`);
    annotations.push(...readAnnotations(path, await readMat(path), 'fname', folder));
  }
  const names = readClassNames(meta, await readMat(meta));
  return { index: 'the annotations', names, annotations, imageFolders: ['cars_train', 'cars_test'] };
}

async function findImages(base: string, imageFolders: readonly string[], request: GatherRequest): Promise<Place> {
  const packed: string[] = [];
  for (const folder of imageFolders) {
    if ((await findFirst([base], [folder], 'folder')) !== undefined) continue;
    const archive = await findFirst([base], [`${folder}.tgz`], 'file');
    if (archive === undefined) throw notFoundIn(base, `${folder}/ or ${folder}.tgz`, fetchFrom);
    packed.push(archive);
  }
  let place: Place = { root: base, where: base };
  if (packed.length > 0 && packed.length < imageFolders.length)
    throw invalid(base, `unpack ${packed.join(', ')}, too, as the other is`);
  for (const archive of packed) {
    const { root } = await unpackImages(archive, request, '', (name) =>
      imageFolders.some((folder) => name.startsWith(`${folder}/`)),
    );
    place = { root, where: base };
  }
  return place;
}

/** Photographs of cars of 196 makes, models and years. */
export function createCarsSource({ counts, lastTrainClass }: CarsProtocol): DatasetSource {
  return {
    summary: 'cars of 196 models (Cars196); classes 1–98 train, 99–196 test',
    from: { what: 'a folder with cars_annos.mat and car_ims.tgz, or the devkit’s files', required: false },
    official: 'default',
    published: true,
    async gather(request) {
      const { from, kind } = await requireFrom(request, fetchFrom);
      const base = kind === 'file' ? dirname(from) : from;
      const folders = [base, join(base, 'devkit')];
      const single = await findFirst([base], ['cars_annos.mat'], 'file');
      const meta = await findFirst(folders, ['cars_meta.mat'], 'file');
      if (single === undefined && meta === undefined) {
        throw notFoundIn(from, 'cars_annos.mat or devkit/cars_meta.mat', fetchFrom);
      }
      const found = single === undefined ? await readDevkit(meta ?? '', folders) : await readSingle(single);
      const { index, names, annotations, imageFolders } = found;
      const items = annotations.map(({ image, number }): UnsplitItem => {
        const label = names[number - 1];
        if (label === undefined) throw invalid(base, `${image} is of class ${number}, there are ${names.length}`);
        const half = number <= lastTrainClass ? 'train' : 'test';
        return { id: image, path: image, label, metadata: { class: number }, half };
      });
      const place = await findImages(base, imageFolders, request);
      return { ...about, ...place, ...(await checkListing({ ...place, imageFolders, index, items, counts }, request)) };
    },
  };
}

export const carsSource = createCarsSource(carsProtocol);
