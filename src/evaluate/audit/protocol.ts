import { type Dataset, type DatasetItem, itemsByLabel, type SplitName } from '../../data/dataset.js';
import type { ImageHashes } from '../../data/image-hashes.js';
import type { TrainingRecord } from '../zero-shot.js';
import { exactMatches, type Match } from './groups.js';
import { type EmbeddedRows, nearEmbeddings, rowOf, usualNearest } from './near-embeddings.js';
import { nearMatches } from './near-matches.js';
import { check, type ProtocolCheck } from './protocol-check.js';
import { measured, pictureChecks } from './protocol-pictures.js';
import { squaredDistance } from '../../core/vectors.js';

export interface ProtocolVerdict {
  readonly verdict: 'sound' | 'with findings';
  readonly checks: readonly ProtocolCheck[];
}

export interface ProtocolInput {
  readonly dataset: Dataset;
  /** By path; pictures that are not in it are not compared. */
  readonly hashes: ReadonlyMap<string, ImageHashes>;
  /** Embeddings of some of the items, e.g. those of the evaluated split. */
  readonly embedded?: (EmbeddedRows & { readonly items: readonly DatasetItem[] }) | undefined;
  /** What the model says of its training; null: it says nothing; undefined: there is no model. */
  readonly training?: TrainingRecord | null | undefined;
  /** The split that is evaluated. */
  readonly evaluated?: SplitName | undefined;
}

/** Share of the usual distance to the nearest other picture below which embeddings alone make two pictures one. */
const aloneShare = 0.1;

/** With hashes that are near, too. */
const withHashShare = 0.5;

/** Case, spaces and punctuation aside. */
const plainName = (label: string): string => label.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');

function classesCheck({ items }: Dataset): ProtocolCheck {
  const splitsOf = new Map<string, Map<SplitName, string>>();
  for (const { label, split } of items) {
    if (label === null || !measured(split)) continue;
    const name = plainName(label) || label;
    splitsOf.set(name, (splitsOf.get(name) ?? new Map<SplitName, string>()).set(split, label));
  }
  const shared = [...splitsOf.values()].filter((splits) => splits.size > 1);
  const of = (split: SplitName): number => itemsByLabel(items.filter((item) => item.split === split)).size;
  const counts = `${of('train')} training, ${of('validation')} validation and ${of('test')} test classes`;
  if (shared.length === 0) return check('classes', 'passed', `${counts} have none in common`);
  const evidence = shared.map((splits) => [...splits].map(([split, label]) => `${label} (${split})`).join(' = '));
  return check('classes', 'finding', `${counts} share ${shared.length}, by name`, evidence);
}

function trainingChecks({ dataset, training, evaluated }: ProtocolInput): ProtocolCheck[] {
  if (training === undefined) return [];
  if (training === null) return [check('training', 'unknown', 'the model does not say what it was trained on')];
  const seen = new Set(training.classes);
  const others = dataset.items.filter(({ split }) =>
    evaluated === undefined ? split === 'test' : split === evaluated,
  );
  const both = [...itemsByLabel(others).keys()].filter((label) => seen.has(label));
  const what = evaluated ?? 'test';
  const checks = [
    both.length === 0
      ? check(
          'training',
          'passed',
          `none of the ${what} classes is among the ${seen.size} that the model was trained on`,
        )
      : check('training', 'finding', `the model was trained on ${both.length} of the ${what} classes`, both),
  ];
  if (training.dataset === dataset.name && training.splitHash !== dataset.splitHash)
    checks.push(check('split', 'finding', 'the model was trained on another split of this data set'));
  checks.push(selectionCheck(training, what));
  const k = training.imagesPerClass;
  if (k === undefined) return checks;
  const small = [...itemsByLabel(dataset.items.filter(({ split }) => split === 'train'))].filter(
    ([, { length }]) => length < k,
  );
  const evidence = small.map(([label, { length }]) => `${label}: ${length}`);
  return [
    ...checks,
    small.length === 0
      ? check('batches', 'passed', `every training class has the ${k} images that a batch takes of it`)
      : check('batches', 'note', `${small.length} training classes have fewer than the ${k} images that a batch takes of each: some repeat, or the class is left out`, evidence), // prettier-ignore
  ];
}

function selectionCheck({ selectedOn }: TrainingRecord, evaluated: SplitName): ProtocolCheck {
  if (selectedOn === undefined)
    return check('selection', 'unknown', 'the bundle does not say on what its step was chosen');
  if (selectedOn === evaluated)
    return check(
      'selection',
      'finding',
      `the step that was kept was chosen on the ${evaluated} classes: measure on test`,
    );
  if (selectedOn === 'last') return check('selection', 'passed', 'the last step was kept, whatever it measured');
  return check('selection', 'passed', 'the step that was kept was chosen on the validation classes');
}

async function hashChecks({ dataset, hashes, evaluated }: ProtocolInput): Promise<ProtocolCheck[]> {
  const items = dataset.items.filter(({ split }) => measured(split));
  const known = items.filter(({ path }) => hashes.has(path)).length;
  if (known === 0) {
    const says = `no hashes of the pictures are kept beside the data set: kindred audit --data ${dataset.folder} makes them`;
    return [check('duplicates', 'unknown', says), check('near duplicates', 'unknown', says)];
  }
  const contents = items.map(({ path }) => hashes.get(path)?.content ?? null);
  const perceptual = items.map(({ path }) => hashes.get(path)?.perceptual ?? null);
  const near = await nearMatches({ contents, perceptual });
  const checks = [
    ...pictureChecks('duplicates', 'by their bytes', exactMatches(contents), items, evaluated),
    ...pictureChecks('near duplicates', 'by perceptual hash', near.matches, items, evaluated),
  ];
  if (!near.complete)
    checks.push(check('near duplicates', 'unknown', 'too many pictures hash alike for all of them to be compared'));
  if (known < items.length)
    checks.push(check('hashes', 'unknown', `${items.length - known} of ${items.length} pictures have no hash and were not compared`)); // prettier-ignore
  return checks;
}

async function embeddingChecks({ embedded, hashes, evaluated }: ProtocolInput): Promise<ProtocolCheck[]> {
  if (!embedded || embedded.items.length < 2) return [];
  const { items } = embedded;
  const usual = usualNearest(embedded);
  const alone = await nearEmbeddings(embedded, aloneShare * usual);
  const contents = items.map(({ path }) => hashes.get(path)?.content ?? null);
  const perceptual = items.map(({ path }) => hashes.get(path)?.perceptual ?? null);
  const distance = (a: number, b: number): number => squaredDistance(rowOf(embedded, a), rowOf(embedded, b));
  const hinted = await nearMatches({ contents, perceptual, distance, sameDistance: withHashShare * usual });
  const key = ({ a, b }: Match): string => `${a} ${b}`;
  // What the hashes say by themselves, and the same bytes, are told already.
  const matches = new Map(
    [...alone.matches, ...hinted.matches.filter(({ distance: d }) => d !== null && d <= withHashShare * usual)]
      .filter(({ a, b }) => contents[a] === null || contents[a] !== contents[b])
      .map((match) => [key(match), match]),
  );
  const splits = [...new Set(items.map(({ split }) => split))].join(', ');
  const checks = pictureChecks('near duplicates by embedding', `by embedding (${splits})`, [...matches.values()], items, evaluated); // prettier-ignore
  if (alone.complete && hinted.complete) return checks;
  return [...checks, check('near duplicates by embedding', 'unknown', 'too many embeddings coincide for all of them to be compared')]; // prettier-ignore
}

/**
 * Audits how a data set is split and a model was trained and chosen: whether anything that is measured was seen before. Of
 * the pictures' hashes it takes what it is given, and of embeddings those of a measurement under way.
 */
export async function auditProtocol(input: ProtocolInput): Promise<ProtocolVerdict> {
  const { deviations = [] } = input.dataset;
  const checks = [
    classesCheck(input.dataset),
    ...trainingChecks(input),
    ...(await hashChecks(input)),
    ...(await embeddingChecks(input)),
    deviations.length === 0
      ? check('data', 'passed', 'the data set is as its source has it')
      : check('data', 'finding', 'this is not the published data set: results are not comparable with published ones', deviations), // prettier-ignore
  ];
  return { verdict: checks.some(({ outcome }) => outcome === 'finding') ? 'with findings' : 'sound', checks };
}
