/**
 * Copies a part of a prepared data set into a folder of folders and plants errors in it, to measure what kindred audit
 * finds (docs/audit.md):
 *   node scripts/plant-errors.js DATASET OUT [--split test] [--copies 60] [--labels 60] [--seed 0]
 *     [--strangers OTHER-DATASET]
 * A third of the copies is encoded again (JPEG 70), a third scaled to half, a third cropped by 3 % and encoded again; the
 * pictures with a wrong label are moved to another class's folder; six pictures of the other data set, if one is given, go into
 * classes by chance. OUT/photos is for kindred index --images, OUT/planted.json
 * says what was done. With --found AUDIT.json it compares instead: what of OUT/planted.json an audit found, and what else.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createRandom, shuffled } from '../dist/core/random.js';
import { loadDataset } from '../dist/data/dataset-folder.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string', default: 'test' },
    copies: { type: 'string', default: '60' },
    labels: { type: 'string', default: '60' },
    seed: { type: 'string', default: '0' },
    strangers: { type: 'string' },
    found: { type: 'string' },
  },
});
const [data, out] = positionals.map((path) => resolve(path));
if (data === undefined || out === undefined) {
  process.stderr.write('plant-errors: give a prepared data set and a folder to write\n');
  process.exit(2);
}

const ways = ['encoded', 'halved', 'cropped'];

async function altered(path, way) {
  const picture = sharp(path).autoOrient();
  const { width, height } = (await picture.metadata()).autoOrient;
  if (way === 'encoded') return picture.jpeg({ quality: 70 }).toBuffer();
  if (way === 'halved')
    return picture
      .resize(Math.round(width / 2))
      .jpeg()
      .toBuffer();
  const area = { left: Math.round(width * 0.015), top: Math.round(height * 0.015), width: Math.round(width * 0.97), height: Math.round(height * 0.97) }; // prettier-ignore
  return picture.extract(area).jpeg({ quality: 85 }).toBuffer();
}

async function plant() {
  const { items, root } = await loadDataset(data);
  const seed = Number(values.seed);
  const chosen = items.filter(({ split }) => split === values.split);
  const labels = [...new Set(chosen.map(({ label }) => label))];
  const mixed = shuffled(chosen, createRandom('plant', seed));
  const random = createRandom('wrong label', seed);
  const wrong = mixed.slice(0, Number(values.labels));
  const doubled = mixed.slice(wrong.length, wrong.length + Number(values.copies));
  const planted = { copies: [], labels: [], strangers: [] };
  const write = async (id, save) => {
    await mkdir(dirname(join(out, 'photos', id)), { recursive: true });
    await save(join(out, 'photos', id));
    return id;
  };
  for (const item of chosen) {
    const source = join(root, item.path);
    const name = item.path.replaceAll('/', '_');
    const others = labels.filter((label) => label !== item.label);
    const label = wrong.includes(item) ? others[Math.floor(random() * others.length)] : item.label;
    const id = await write(`${label}/${name}`, (path) => copyFile(source, path));
    if (label !== item.label) planted.labels.push({ id, truth: item.label });
    const copy = doubled.indexOf(item);
    if (copy < 0) continue;
    const way = ways[copy % ways.length];
    const bytes = await altered(source, way);
    planted.copies.push({ of: id, way, id: await write(`${label}/copy-${name}`, (path) => writeFile(path, bytes)) });
  }
  if (values.strangers !== undefined) {
    const other = await loadDataset(values.strangers);
    for (const { path } of shuffled(other.items, createRandom('strangers', seed)).slice(0, 6)) {
      const label = labels[Math.floor(random() * labels.length)];
      const id = `${label}/stranger-${path.replaceAll('/', '_')}`;
      planted.strangers.push(await write(id, (to) => copyFile(join(other.root, path), to)));
    }
  }
  await writeFile(join(out, 'planted.json'), JSON.stringify(planted, null, 2));
  process.stdout.write(`${chosen.length} pictures, ${planted.copies.length} copies and ${planted.labels.length} wrong labels in ${out}\n`); // prettier-ignore
}

async function compare(report) {
  const planted = JSON.parse(await readFile(join(out, 'planted.json'), 'utf8'));
  const audit = JSON.parse(await readFile(report, 'utf8'));
  const groups = audit.duplicates.map(({ items }) => items.map(({ id }) => id));
  for (const way of ways) {
    const copies = planted.copies.filter((copy) => copy.way === way);
    const found = copies.filter(({ id, of }) => groups.some((ids) => ids.includes(id) && ids.includes(of)));
    process.stdout.write(`copies, ${way}: ${found.length} of ${copies.length} found\n`);
  }
  const copies = new Set(planted.copies.map(({ id }) => id));
  const others = groups.filter((ids) => !ids.some((id) => copies.has(id)));
  process.stdout.write(`other groups of duplicates: ${others.length}\n`);
  for (const ids of others) process.stdout.write(`  ${ids.join(' = ')}\n`);
  const outliers = audit.outliers.map(({ item }) => item.id);
  const strangers = planted.strangers.filter((id) => outliers.includes(id)).length;
  process.stdout.write(`strangers: ${strangers} of ${planted.strangers.length} among ${outliers.length} outliers\n`);
  const truth = new Map(planted.labels.map((one) => [one.id, one.truth]));
  for (const least of [0.6, 0.7, 0.8, 0.9]) {
    const named = audit.mislabelled.filter(({ confidence }) => confidence >= least);
    const right = named.filter(({ item }) => truth.has(item.id));
    const suggested = right.filter(({ item, suggested }) => truth.get(item.id) === suggested);
    process.stdout.write(`labels, confidence from ${least}: ${right.length} of ${truth.size} found, ${suggested.length} with the right label suggested, ${named.length - right.length} others named\n`); // prettier-ignore
  }
}

await (values.found === undefined ? plant() : compare(values.found));
