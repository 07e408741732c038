import { createRandom, gaussian } from '../../src/core/random.js';
import { l2Normalize } from '../../src/core/vectors.js';

/** Plain loops over lists, as the textbook has it: what the blocked code is held against. */
export type Vector = readonly number[];

export function flatten(rows: readonly Vector[]): Float32Array {
  return Float32Array.from(rows.flat());
}

export function squared(a: Vector, b: Vector): number {
  return a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0);
}

/** Gallery indices from nearest to farthest; ties by index. */
export function ranking(query: Vector, gallery: readonly Vector[], self = -1): number[] {
  return gallery
    .map((row, index) => ({ index, distance: squared(query, row) }))
    .filter(({ index }) => index !== self)
    .sort((a, b) => a.distance - b.distance || a.index - b.index)
    .map(({ index }) => index);
}

/** Metrics of one query from the list of hits and misses, nearest first. */
export function naiveMeasures(hits: readonly boolean[], ks: readonly number[]): Record<string, number> {
  const relevant = hits.filter(Boolean).length;
  const precision = (k: number): number => hits.slice(0, k).filter(Boolean).length / k;
  const sumAt = (k: number): number =>
    hits.slice(0, k).reduce((sum, hit, index) => sum + (hit ? precision(index + 1) : 0), 0) / relevant;
  const entries: [string, number][] = [
    ...ks.map((k): [string, number] => [`recall@${k}`, hits.slice(0, k).includes(true) ? 1 : 0]),
    ...ks.map((k): [string, number] => [`precision@${k}`, precision(k)]),
    ['r-precision', precision(relevant)],
    ['map@r', sumAt(relevant)],
    ['map', sumAt(hits.length)],
    ['mrr', 1 / (hits.indexOf(true) + 1)],
  ];
  return Object.fromEntries(entries);
}

/** Unit vectors around class centres; `noise` 0 packs each class into a point. */
export function clusters(seed: number, sizes: readonly number[], dimension: number, noise: number) {
  const random = createRandom(seed, 'clusters');
  const rows: Vector[] = [];
  const labels: number[] = [];
  sizes.forEach((size, label) => {
    const centre = Array.from({ length: dimension }, () => gaussian(random));
    for (let i = 0; i < size; i++) {
      const raw = Float32Array.from(centre, (value) => value + noise * gaussian(random));
      rows.push([...l2Normalize(raw)]);
      labels.push(label);
    }
  });
  return { rows, labels, embeddings: flatten(rows), labelArray: Int32Array.from(labels), dimension };
}
