import { createRandom, shuffled } from '../core/random.js';
import { classDensities, summarizeDensity } from '../metrics/density.js';
import { effectiveRank } from '../metrics/effective-rank.js';
import { retrievalMetrics } from '../metrics/retrieval.js';

/** Embedding this share of an epoch's images once more, forward only, costs about 2 % of the time of training on them. */
const shareOfEpoch = 0.05;
/** Fewer say nothing; of a short epoch they may be more than the share. */
const leastImages = 48;
/** Images of a class, where there are more classes than can be taken whole. */
const usualImages = 4;

/** Classes trained on beside classes held out, alike in number and sizes, so that their measures compare. */
export interface GapSample {
  /** Positions in the training labels. */
  readonly train: readonly number[];
  /** Positions in the validation labels; null when no two classes are held out. */
  readonly unseen: readonly number[] | null;
  /** Class of each place, the same on both sides. */
  readonly labels: Int32Array;
}

/** One side of the sample. */
export interface SideMeasures {
  readonly recallAt1: number;
  readonly mapAtR: number;
  /** Median v / D over the classes, among themselves; null where it is infinite or there is one class. */
  readonly ratio: number | null;
  /** 1 … min(dim, images − 1) */
  readonly effectiveRank: number;
}

/** What `history.jsonl` keeps of how far training and unseen classes are apart. */
export interface GapMeasures {
  readonly classes: number;
  /** On each side. */
  readonly images: number;
  readonly train: SideMeasures;
  readonly unseen: SideMeasures | null;
}

/** The positions of each class with two images or more; classes and images in an order of the seed's. */
function shuffledClasses(labels: readonly (string | null)[], name: string, seed: number): number[][] {
  const groups = new Map<string, number[]>();
  labels.forEach((label, position) => {
    if (label === null) return;
    const group = groups.get(label) ?? [];
    groups.set(label, group);
    group.push(position);
  });
  const random = createRandom(name, seed);
  const classes = shuffled([...groups.values()], random).filter(({ length }) => length >= 2);
  return classes.map((positions) => shuffled(positions, random));
}

/**
 * Chooses the images once for a whole run, so that epochs compare.
 * @param epochImages images that an epoch trains on: the sample is at most 5 % of them (48 at least)
 * @returns null where there are fewer than two classes to choose from
 */
export function chooseGapSample(
  train: readonly (string | null)[],
  validation: readonly (string | null)[],
  { seed, epochImages }: { readonly seed: number; readonly epochImages: number },
): GapSample | null {
  const trained = shuffledClasses(train, 'gap train', seed);
  const held = shuffledClasses(validation, 'gap unseen', seed);
  const paired = held.length >= 2;
  const classes = Math.min(trained.length, paired ? held.length : trained.length);
  if (classes < 2) return null;
  const budget = Math.max(leastImages, Math.floor(shareOfEpoch * epochImages));
  const each = Math.max(usualImages, Math.floor(budget / classes));
  const bySize = (a: readonly number[], b: readonly number[]): number =>
    Math.min(b.length, each) - Math.min(a.length, each);
  trained.sort(bySize);
  held.sort(bySize);
  const sides = { train: new Array<number>(), unseen: new Array<number>(), labels: new Array<number>() };
  for (let place = 0; place < classes; place++) {
    const [seen = [], unseen = seen] = [trained[place], paired ? held[place] : undefined];
    const images = Math.min(each, seen.length, unseen.length);
    if (place >= 2 && sides.labels.length + images > budget) break;
    sides.train.push(...seen.slice(0, images));
    sides.unseen.push(...unseen.slice(0, images));
    sides.labels.push(...new Array<number>(images).fill(place));
  }
  return { train: sides.train, unseen: paired ? sides.unseen : null, labels: Int32Array.from(sides.labels) };
}

function measure(embeddings: Float32Array, labels: Int32Array): SideMeasures {
  const dimension = embeddings.length / labels.length;
  const { values, mapAtR } = retrievalMetrics({ embeddings, labels, dimension, ks: [1] });
  const ratio = summarizeDensity(classDensities(embeddings, labels, dimension))?.ratio.median ?? NaN;
  return {
    recallAt1: values['recall@1'] ?? NaN,
    mapAtR,
    ratio: Number.isFinite(ratio) ? ratio : null,
    effectiveRank: effectiveRank(embeddings, dimension),
  };
}

/**
 * @param train rows of the sample's `train` positions
 * @param validation rows of all validation images; undefined when there are none
 */
export function measureGap(sample: GapSample, train: Float32Array, validation: Float32Array | undefined): GapMeasures {
  const { labels, unseen } = sample;
  const dimension = train.length / labels.length;
  const rows = new Float32Array(train.length);
  unseen?.forEach((place, i) =>
    rows.set(validation?.subarray(place * dimension, (place + 1) * dimension) ?? [], i * dimension),
  );
  return {
    classes: new Set(labels).size,
    images: labels.length,
    train: measure(train, labels),
    unseen: unseen && validation ? measure(rows, labels) : null,
  };
}
