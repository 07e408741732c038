import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom, gaussian } from '../../../src/core/random.js';
import { l2Normalize } from '../../../src/core/vectors.js';
import { calibrate, queryRows, type LabelledSet } from '../../../src/evaluate/calibration/calibrate.js';
import { checkCalibration } from '../../../src/evaluate/calibration/check.js';
import { scorePair, type Calibration } from '../../../src/model/calibration.js';

const dimension = 8;

/** Classes around random centres, some wide, some narrow. */
function clusters(classes: number, each: number, seed: string): LabelledSet {
  const random = createRandom('clusters', seed);
  const rows = Array.from({ length: classes }, (_, c) => {
    const centre = Float32Array.from({ length: dimension }, () => gaussian(random));
    const width = 0.3 + 0.5 * (c % 3);
    return Array.from({ length: each }, () => [
      ...l2Normalize(centre.map((value) => value + width * gaussian(random))),
    ]);
  });
  return {
    embeddings: Float32Array.from(rows.flat(2)),
    classes: Int32Array.from({ length: classes * each }, (_, i) => Math.floor(i / each)),
    dimension,
  };
}

const of = { name: 'clusters', split: 'validation' };

describe('calibration', () => {
  let calibration: Calibration;
  beforeAll(async () => {
    calibration = await calibrate({ ...clusters(15, 10, 'fit'), fingerprint: 'f', of });
  });

  test('scores other classes of the same kind as well as those it was fitted on', async () => {
    expect(calibration.fittedOn).toMatchObject({ classes: 15, queries: 150, neighbours: 100, gallery: 150 });
    expect(calibration.crossValidation.candidates).toHaveLength(4);
    const [all, tenth] = await checkCalibration({ ...clusters(15, 10, 'test'), calibration });
    expect(all?.reliability.ece).toBeLessThan(0.1);
    expect(tenth?.gallery).toBe(15);
    for (const { asked, reached } of all?.precisions ?? [])
      if (reached !== null) expect(Math.abs(reached - asked)).toBeLessThan(asked < 0.6 ? 0.3 : 0.15);
  });

  test('strangers among the gallery are never right, and only lower the precision', async () => {
    const set = clusters(15, 10, 'test');
    const checked = await checkCalibration({ ...set, calibration, distractors: clusters(10, 10, 'others').embeddings });
    const [all, , crowded] = checked;
    expect(crowded?.gallery).toBe(250);
    for (const [index, { recall }] of (crowded?.precisions ?? []).entries())
      expect(recall).toBeLessThanOrEqual((all?.precisions[index]?.recall ?? 0) + 0.1);
  });

  test('items without a label count as unknown, not as wrong', async () => {
    const set = clusters(12, 8, 'unlabelled');
    const some = { ...set, classes: set.classes.map((label, row) => (row % 2 === 0 ? label : -1)) };
    const [all, half] = await Promise.all([set, some].map((each) => calibrate({ ...each, fingerprint: 'f', of })));
    const pair = { distance: 0.2, queryDensity: 1, itemDensity: 1 };
    const [known = NaN, unknown = NaN] = [all, half].map((one) => one && scorePair(one, pair));
    expect(known).toBeGreaterThan(0.5);
    expect(Math.abs(known - unknown)).toBeLessThan(0.1);
  });

  test('is decided by its input alone', async () => {
    const set = clusters(6, 6, 'same');
    const one = await calibrate({ ...set, fingerprint: 'f', of });
    const two = await calibrate({ ...set, fingerprint: 'f', of });
    expect({ ...two, createdAt: '' }).toEqual({ ...one, createdAt: '' });
  });

  test('rows without a class, alone in it, or not to be asked, are no queries', () => {
    const set = { embeddings: new Float32Array(0), dimension, classes: Int32Array.of(0, 0, 1, -1, -1, 2, 2) };
    expect(queryRows(set)).toEqual([0, 1, 5, 6]);
    expect(queryRows({ ...set, isQuery: (row) => row > 1 })).toEqual([5, 6]);
    expect(queryRows(set, 2)).toHaveLength(2);
  });

  test('too few classes are refused with what is needed', async () => {
    await expect(calibrate({ ...clusters(4, 10, 'few'), fingerprint: 'f', of })).rejects.toThrow('at least 5 classes');
    const nothing = { embeddings: new Float32Array(dimension), classes: Int32Array.of(-1), dimension };
    await expect(calibrate({ ...nothing, fingerprint: 'f', of })).rejects.toMatchObject({ code: 'dataset-too-small' });
  });
});
