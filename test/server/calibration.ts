import type { Calibration, Fit } from '../../src/model/calibration.js';

/** Half at a squared distance of 0.1, less in a crowd. */
const fit: Fit = {
  method: 'logistic',
  terms: [
    { feature: 'log-distance', mean: Math.log(0.1), deviation: 1, weight: -2 },
    { feature: 'query-density', mean: 2, deviation: 1, weight: -0.4 },
    { feature: 'item-density', mean: 2, deviation: 1, weight: -0.3 },
  ],
  intercept: 0,
};
const distanceOnly: Fit = {
  method: 'isotonic',
  terms: [{ feature: 'log-distance', mean: Math.log(0.1), deviation: 1, weight: -1 }],
  intercept: 0,
  curve: { x: [-3, 0, 3], y: [0.02, 0.5, 0.98] },
};

/** What kindred calibrate would write for the model of the tests. */
export const calibration: Calibration = {
  formatVersion: 1,
  fingerprint: 'f'.repeat(64),
  densityNeighbours: 10,
  fittedOn: { name: 'colours', split: 'validation', classes: 5, queries: 50, neighbours: 20, gallery: 100 },
  crossValidation: { folds: 5, candidates: [{ method: 'logistic', density: true, brier: 0.1, ece: 0.02 }] },
  fit,
  distanceOnly,
  kindred: '0.1.0',
  createdAt: '2026-01-01T00:00:00Z',
};
