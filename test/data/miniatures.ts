/** Small copies of published data sets, in exactly their layout: names, index files, annotations, what else lies in the archive. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { noise } from './helpers.js';
import { cellArray, matFile, numberArray, structArray, textArray } from './mat-writer.js';
import { zipOf } from './zip-writer.js';

/** Path → content. */
export type Files = Map<string, Uint8Array>;

let seed = 1000;
async function picture(format: 'jpeg' | 'png' = 'jpeg'): Promise<Buffer> {
  return noise(seed++, 12, 10).toFormat(format).toBuffer();
}

const text = (...lines: string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));

export async function writeFiles(folder: string, files: Files): Promise<string> {
  for (const [name, data] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), data);
  }
  return folder;
}

export async function writeTgz(path: string, files: Files): Promise<string> {
  const staging = `${path}.files`;
  await writeFiles(staging, files);
  const top = [...new Set([...files.keys()].map((name) => name.split('/')[0] ?? ''))];
  await create({ file: path, cwd: staging, gzip: true }, top);
  return path;
}

export async function writeZip(path: string, files: Files): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const folders = new Set([...files.keys()].map((name) => `${dirname(name)}/`).filter((name) => name !== './'));
  await writeFile(
    path,
    zipOf([...[...folders].map((name) => ({ name })), ...[...files].map(([name, data]) => ({ name, data }))]),
  );
  return path;
}

/** Four species of three pictures, two to train on. */
export async function cubFiles(): Promise<Files> {
  const classes = ['001.Black_footed_Albatross', '002.Laysan_Albatross', '101.White_Pelican', '102.Western_Wood_Pewee'];
  const images = classes.flatMap((name) => {
    const species = name.slice(4);
    return [1, 2, 3].map((number) => ({ name, file: `${name}/${species}_${String(number).padStart(4, '0')}_796.jpg` }));
  });
  const files: Files = new Map();
  const put = (name: string, data: Uint8Array): unknown => files.set(`CUB_200_2011/${name}`, data);
  files.set('attributes.txt', text('1 has_bill_shape::curved_(up_or_down)'));
  put('README', text('Caltech-UCSD Birds-200-2011'));
  put('classes.txt', text(...classes.map((name, index) => `${index + 1} ${name}`)));
  put('images.txt', text(...images.map(({ file }, index) => `${index + 1} ${file}`)));
  put('image_class_labels.txt', text(...images.map(({ name }, index) => `${index + 1} ${classes.indexOf(name) + 1}`)));
  put('train_test_split.txt', text(...images.map((_, index) => `${index + 1} ${index % 2}`)));
  put('bounding_boxes.txt', text(...images.map((_, index) => `${index + 1} 60.0 27.0 325.0 304.0`)));
  put('parts/parts.txt', text('1 back'));
  for (const { file } of images) put(`images/${file}`, await picture());
  return files;
}

export const cubMiniature = {
  counts: { train: { images: 6, classes: 2 }, test: { images: 6, classes: 2 } },
  lastTrainClass: 2,
  archive: { url: 'http://127.0.0.1:9/CUB_200_2011.tgz', md5: '' },
} as const;

const carNames = [
  'AM General Hummer SUV 2000',
  'Acura RL Sedan 2012',
  'Ram C/V Cargo Van Minivan 2012',
  'smart fortwo',
];
const boxes = (): Buffer[] => [numberArray(30), numberArray(52), numberArray(246), numberArray(1147)];
const boxFields = ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2'];

/** All pictures in one folder with one annotation file: ten pictures of four models. */
export async function carsFiles(): Promise<Files> {
  const files: Files = new Map();
  const fields = ['relative_im_path', ...boxFields, 'class', 'test'];
  const rows: Buffer[][] = [];
  for (let index = 0; index < 10; index++) {
    const name = `car_ims/${String(index + 1).padStart(6, '0')}.jpg`;
    files.set(name, await picture());
    rows.push([textArray(name), ...boxes(), numberArray((index % 4) + 1), numberArray(index % 2)]);
  }
  const names = cellArray(
    carNames.map((name) => textArray(name)),
    'class_names',
  );
  files.set('cars_annos.mat', matFile([structArray(fields, rows, 'annotations'), names]));
  return files;
}

/** The same as the devkit has it: two folders, an annotation file each, the test's labels in a file of their own. */
export async function carsDevkitFiles(): Promise<Files> {
  const files: Files = new Map();
  const fields = [...boxFields, 'class', 'fname'];
  for (const [part, from, path] of [
    ['cars_train', 0, 'devkit/cars_train_annos.mat'],
    ['cars_test', 5, 'cars_test_annos_withlabels.mat'],
  ] as const) {
    const rows: Buffer[][] = [];
    for (let index = from; index < from + 5; index++) {
      const name = `${String(index - from + 1).padStart(5, '0')}.jpg`;
      files.set(`${part}/${name}`, await picture());
      rows.push([...boxes(), numberArray((index % 4) + 1), textArray(name)]);
    }
    files.set(path, matFile([structArray(fields, rows, 'annotations')], { compressed: part === 'cars_train' }));
  }
  const unlabelled = structArray([...boxFields, 'fname'], [[...boxes(), textArray('00001.jpg')]], 'annotations');
  files.set('devkit/cars_test_annos.mat', matFile([unlabelled]));
  const names = cellArray(
    carNames.map((name) => textArray(name)),
    'class_names',
  );
  files.set('devkit/cars_meta.mat', matFile([names]));
  return files;
}

export const carsMiniature = {
  counts: { train: { images: 6, classes: 2 }, test: { images: 4, classes: 2 } },
  lastTrainClass: 2,
} as const;

/** Three products to train on, two to test on; listings in both index files as on the site, `.JPG` in capitals. */
export async function onlineProductsFiles(): Promise<Files> {
  const files: Files = new Map();
  const put = (name: string, data: Uint8Array): unknown => files.set(`Stanford_Online_Products/${name}`, data);
  const header = 'image_id class_id super_class_id path';
  const products = [
    ['bicycle', 1],
    ['bicycle', 1],
    ['mug', 8],
    ['bicycle', 1],
    ['mug', 8],
  ] as const;
  let imageId = 0;
  const lines: string[][] = [];
  for (const [index, [category, superClass]] of products.entries()) {
    const own: string[] = [];
    for (let view = 0; view < 2 + (index % 2); view++) {
      const path = `${category}_final/11108500${index}_${view}.JPG`;
      put(path, await picture());
      own.push(`${++imageId} ${index + 1} ${superClass} ${path}`);
    }
    lines.push(own);
  }
  put('Ebay_train.txt', text(header, ...lines.slice(0, 3).flat()));
  put('Ebay_test.txt', text(header, ...lines.slice(3).flat()));
  put('Ebay_info.txt', text(header, ...lines.flat()));
  put('bicycle_final.txt', text('111085000 bicycle'));
  put('README', text('Stanford Online Products'));
  return files;
}

export const onlineProductsMiniature = {
  counts: { train: { images: 7, classes: 3 }, test: { images: 5, classes: 2 } },
} as const;

/** Two items to train on; two to test on, with two queries and one or two gallery pictures each. */
export async function inShopFiles(): Promise<{ partition: Uint8Array; images: Files }> {
  const images: Files = new Map();
  const lines: string[] = [];
  const items = [
    ['WOMEN/Dresses', 'id_00000002', ['train', 'train']],
    ['MEN/Denim', 'id_00000080', ['train', 'train', 'train']],
    ['WOMEN/Tees_Tanks', 'id_00000001', ['query', 'gallery', 'query', 'gallery']],
    ['MEN/Shirts_Polos', 'id_00000007', ['gallery', 'query', 'query']],
  ] as const;
  for (const [folder, item, statuses] of items) {
    for (const [index, status] of statuses.entries()) {
      const name = `img/${folder}/${item}/0${index + 1}_1_front.jpg`;
      images.set(name, await picture());
      lines.push(`${name.padEnd(70)} ${item} ${status}`);
    }
  }
  const partition = text(String(lines.length), 'image_name item_id evaluation_status', ...lines);
  return { partition, images };
}

export const inShopMiniature = {
  counts: {
    train: { images: 5, classes: 2 },
    query: { images: 4, classes: 2 },
    gallery: { images: 3, classes: 2 },
  },
} as const;

/** Of each alphabet one character or two, of each character three drawings. */
export async function omniglotFiles(part: string, characters: readonly string[], firstNumber = 1): Promise<Files> {
  const files: Files = new Map();
  for (const [index, character] of characters.entries()) {
    for (const drawer of ['01', '02', '03']) {
      const number = String(firstNumber + index).padStart(4, '0');
      files.set(`${part}/${character}/${number}_${drawer}.png`, await picture('png'));
    }
  }
  return files;
}

export const omniglotMiniature = {
  parts: {
    images_background_small1: { alphabets: 2, characters: 3 },
    images_background_small2: { alphabets: 2, characters: 2 },
    images_evaluation: { alphabets: 1, characters: 2 },
  },
  drawingsPerCharacter: 3,
  archives: {},
} as const;
