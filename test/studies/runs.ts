import type { SummarizedRun } from '../../src/studies/summary/types.js';

/** A final run that everything can be left out of. */
export function run(changes: Partial<SummarizedRun>): SummarizedRun {
  return {
    study: 'small',
    phase: 'final',
    cell: 'emoji/contrastive',
    arm: 'gate',
    role: 'arm',
    seed: 0,
    metrics: {},
    selected: null,
    ...changes,
  };
}

/** R@1 and MAP@R of an arm's seeds 0, 1, 2 …, at the last step and at step 200 a point more. */
export function runs(
  cell: string,
  arm: string,
  role: SummarizedRun['role'],
  scores: readonly (readonly [recallAt1: number, mapAtR: number])[],
): SummarizedRun[] {
  return scores.map(([recallAt1, mapAtR], seed) =>
    run({
      cell,
      arm,
      role,
      seed,
      metrics: { 'recall@1': recallAt1, 'map@r': mapAtR, 'train.recall@1': 0.9, 'spread-to-gap': 0.5 },
      selected: { step: 200, 'recall@1': recallAt1 + 0.01, 'map@r': mapAtR + 0.01 },
    }),
  );
}

/** Two cells: in the first the gate is beyond the only control in R@1 and not in MAP@R; the second has no control. */
export const smallStudy: readonly SummarizedRun[] = [
  ...runs('emoji/contrastive', 'none', 'baseline', [
    [0.5, 0.2],
    [0.52, 0.22],
    [0.48, 0.21],
  ]),
  ...runs('emoji/contrastive', 'gate', 'arm', [
    [0.6, 0.3],
    [0.63, 0.31],
    [0.57, 0.32],
  ]),
  ...runs('emoji/contrastive', 'mean weight', 'control', [
    [0.55, 0.3],
    [0.57, 0.32],
    [0.51, 0.31],
  ]),
  ...runs('emoji/contrastive', 'shuffled', 'control', [
    [0.54, 0.29],
    [0.56, 0.3],
    [0.5, 0.29],
  ]),
  ...runs('emoji/triplet', 'none', 'baseline', [
    [0.7, 0.4],
    [0.71, 0.41],
  ]),
  ...runs('emoji/triplet', 'gate', 'arm', [
    [0.7, 0.4],
    [0.72, 0.4],
  ]),
];
