import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, shuffled } from '../../src/core/random.js';
import { clusteringValues } from '../../src/metrics/clustering.js';
import { contingency } from '../../src/metrics/contingency.js';
import {
  adjustedMutualInformation,
  expectedMutualInformation,
  mutualInformation,
} from '../../src/metrics/mutual-information.js';

const table = (classes: readonly number[], clusters: readonly number[]) =>
  contingency(Int32Array.from(classes), Int32Array.from(clusters));
const values = (classes: readonly number[], clusters: readonly number[]) =>
  clusteringValues(Int32Array.from(classes), Int32Array.from(clusters));
const list = (length: number, of: (i: number) => number): number[] => Array.from({ length }, (_, i) => of(i));
const times = (...counts: number[]): number[] => counts.flatMap((count, label) => list(count, () => label));

/**
 * scikit-learn 1.9.1, for labels a and b:
 *   from sklearn.metrics import *; from sklearn.metrics.cluster import *
 *   mutual_info_score(a, b), expected_mutual_information(contingency_matrix(a, b, sparse=True), len(a)),
 *   normalized_mutual_info_score(a, b), adjusted_mutual_info_score(a, b)
 *   (tn, fp), (fn, tp) = pair_confusion_matrix(a, b); 2 * tp / (2 * tp + fp + fn)
 */
const fromScikitLearn = [
  [[0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1, 1, 1, 2, 2, 2, 2], 0.636514168294813, 0.33020249258362516, 0.589509827447305, 0.4086705097217217, 0.5263157894736842],
  [times(10, 5, 1, 4), [...times(7, 6, 3), 0, 0, 0, 0], 0.5008851216664931, 0.17919256098944925, 0.4682500665953579, 0.361248059181527, 0.5074626865671642],
  [list(500, (i) => ((i * 7919 + 13) % 101) % 17), list(500, (i) => ((i * 104729 + 7) % 211) % 23), 0.3032871426324667, 0.41886134954630255, 0.1016773974356578, -0.045076164971793925, 0.03424212917883804],
  [list(100, (i) => Math.floor(i / 5)), list(100, (i) => Math.floor((99 - i) / 5)), 2.9957322735539913, 1.4962005162161178, 1, 1, 1],
  [list(2000, (i) => Math.floor(i / 5)), list(2000, (i) => Math.floor((i * i) / 7) % 400), 3.383184451307485, 3.3975677320180355, 0.6163561221635073, -0.006877209158164424, 0.0010617401921749748],
  [[0, 0, 1, 1], [0, 0, 0, 0], 0, 0, 0, 0, 0.5],
  [[0, 0, 0], [5, 5, 5], 0, 0, 1, 1, 1],
  [[0, 0, 1, 1], [0, 1, 2, 3], 0.6931471805599452, 0.693147180559945, 0.6666666666666666, 0, 0],
] as const; // prettier-ignore

const partition = (items: number) => fc.array(fc.integer({ min: 0, max: 6 }), { minLength: items, maxLength: items });
const twoPartitions = fc.integer({ min: 1, max: 40 }).chain((items) => fc.tuple(partition(items), partition(items)));

describe('clusteringValues', () => {
  it.each(fromScikitLearn)('agrees with scikit-learn (%#)', (classes, clusters, mi, emi, nmi, ami, f1) => {
    expect(mutualInformation(table(classes, clusters))).toBeCloseTo(mi, 12);
    expect(expectedMutualInformation(table(classes, clusters))).toBeCloseTo(emi, 11);
    const actual = values(classes, clusters);
    expect(actual.nmi).toBeCloseTo(nmi, 12);
    expect(actual.ami).toBeCloseTo(ami, 10);
    expect(actual.f1).toBeCloseTo(f1, 12);
  });

  it('counts pairs for F1 as a loop over all pairs does', () => {
    fc.assert(
      fc.property(twoPartitions, ([classes, clusters]) => {
        let [both, either] = [0, 0];
        classes.forEach((label, i) => {
          for (let j = 0; j < i; j++) {
            const [right, found] = [label === classes[j], clusters[i] === clusters[j]];
            both += right && found ? 1 : 0;
            either += (right ? 1 : 0) + (found ? 1 : 0);
          }
        });
        expect(values(classes, clusters).f1).toBeCloseTo(both === 0 ? 0 : (2 * both) / either, 12);
      }),
    );
  });

  it('expects what all reorderings of a small clustering have on average', () => {
    const classes = [0, 0, 0, 1, 1, 2];
    const orders = (rest: readonly number[]): number[][] =>
      rest.length === 0
        ? [[]]
        : rest.flatMap((first, i) => orders([...rest.slice(0, i), ...rest.slice(i + 1)]).map((tail) => [first, ...tail])); // prettier-ignore
    const all = orders([0, 0, 1, 1, 1, 2]);
    const mean = all.reduce((sum, clusters) => sum + mutualInformation(table(classes, clusters)), 0) / all.length;
    expect(expectedMutualInformation(table(classes, [0, 0, 1, 1, 1, 2]))).toBeCloseTo(mean, 12);
  });

  it('depends neither on the order of the items, nor on the names, nor on which side is which', () => {
    fc.assert(
      fc.property(twoPartitions, fc.nat(), ([classes, clusters], seed) => {
        const before = values(classes, clusters);
        const order = shuffled([...classes.keys()], createRandom(seed));
        const after = values(
          order.map((i) => 100 - (clusters[i] ?? 0)),
          order.map((i) => 7 * (classes[i] ?? 0) - 3),
        );
        for (const name of ['nmi', 'ami', 'f1'] as const) expect(after[name]).toBeCloseTo(before[name], 8);
        expect(before.nmi).toBeGreaterThanOrEqual(0);
        expect(Math.max(before.nmi, before.ami, before.f1)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('gives 1 to equal partitions, into single items too', () => {
    for (const labels of [[0, 1, 2, 3], times(3, 2, 2), [4]]) {
      const { nmi, ami } = values(labels, labels);
      expect([nmi, ami]).toEqual([expect.closeTo(1, 12), expect.closeTo(1, 12)]);
    }
  });

  it('adjusts for chance at the size of a large test set: 11,316 classes and as many clusters', () => {
    // Classes of 2 to 12 as in Stanford Online Products, clusters drawn at random: about 0, where NMI says 0.8 or more.
    const random = createRandom('sop');
    const classes: number[] = [];
    for (let label = 0; label < 11_316; label++) classes.push(...list(2 + Math.floor(7.7 * random()), () => label));
    const clusters = classes.map(() => Math.floor(11_316 * random()));
    const large = table(classes, clusters);
    expect(Math.abs(adjustedMutualInformation(large))).toBeLessThan(0.01);
    expect(values(classes, clusters).nmi).toBeGreaterThan(0.8);
  });

  it('refuses labels of different number', () => {
    expect(() => values([0, 1], [0])).toThrow(expect.objectContaining({ code: 'dataset-invalid' }));
  });
});
