import { describe, expect, test } from 'vitest';
import { parseGrid } from '../../src/config/grid.js';
import { armsOf } from '../../src/studies/arms.js';

const smallest = {
  name: 'try',
  data: { a: './a' },
  seeds: 2,
  losses: { contrastive: {} },
  regularizers: ['none', 'gate'],
};

describe('a grid', () => {
  test('makes arms of regularizers and lambdas, the first being the baseline', () => {
    const grid = parseGrid({ ...smallest, regularizers: ['none', 'neighbour'], lambdas: [0.1, 0.3] }, 'g.yaml');
    expect(armsOf(grid).map(({ arm, role, options }) => [arm, role, options['lambda']])).toEqual([
      ['none', 'baseline', undefined],
      ['neighbour λ 0.1', 'arm', 0.1],
      ['neighbour λ 0.3', 'arm', 0.3],
    ]);
  });

  test('puts options together: the arm’s win over the loss’s, those over the grid’s', () => {
    const grid = parseGrid(
      {
        ...smallest,
        regularizers: undefined,
        settings: { 'learning-rate': 1e-3, steps: 10 },
        losses: { contrastive: { margin: 0.4, steps: 20 }, 'hard triplet': { loss: 'triplet', miner: 'hard' } },
        arms: { plain: { regularizer: 'none', role: 'baseline' }, long: { steps: 30, only: ['contrastive'] } },
      },
      'g.yaml',
    );
    expect(armsOf(grid).map(({ lossLabel, arm, options }) => ({ lossLabel, arm, ...options }))).toEqual([
      {
        lossLabel: 'contrastive',
        arm: 'plain',
        loss: 'contrastive',
        learningRate: 1e-3,
        steps: 20,
        margin: 0.4,
        regularizer: 'none',
      },
      { lossLabel: 'contrastive', arm: 'long', loss: 'contrastive', learningRate: 1e-3, steps: 30, margin: 0.4 },
      {
        lossLabel: 'hard triplet',
        arm: 'plain',
        loss: 'triplet',
        miner: 'hard',
        learningRate: 1e-3,
        steps: 10,
        regularizer: 'none',
      },
    ]);
  });

  test('searches the spaces of grid, loss and arm, but not what the arm fixes itself', () => {
    const grid = parseGrid(
      {
        ...smallest,
        regularizers: undefined,
        losses: { contrastive: { tune: { margin: [0.3, 0.5] } } },
        arms: { a: { tune: { kappa: [2, 4] } }, b: { 'learning-rate': 1e-4 } },
        tune: { trials: 3, space: { 'learning-rate': [1e-4, 2e-4] } },
      },
      'g.yaml',
    );
    expect(armsOf(grid).map(({ space }) => space)).toEqual([
      { learningRate: [1e-4, 2e-4], margin: [0.3, 0.5], kappa: [2, 4] },
      { margin: [0.3, 0.5] },
    ]);
  });

  test.each([
    [{ ...smallest, sedes: 3 }, 'g.yaml: sedes: is not known here'],
    [{ ...smallest, settings: { 'learning-rat': 1 } }, 'g.yaml: settings.learningRat: is not known here'],
    [{ ...smallest, losses: { triplet: { marign: 1 } } }, 'g.yaml: losses.triplet.marign: is not known here'],
    [{ ...smallest, settings: { seed: 3 } }, 'g.yaml: settings.seed: is not known here'],
    [{ ...smallest, tune: { trials: 2, space: { steps: [] } } }, 'tune.space.steps'],
    [{ ...smallest, seeds: 0 }, 'g.yaml: seeds'],
    [{ ...smallest, lambdas: [-1] }, 'g.yaml: lambdas.0'],
    [{ ...smallest, arms: { a: {} } }, 'g.yaml: arms: give either arms, or regularizers'],
    [
      { ...smallest, regularizers: undefined, arms: { a: { only: ['circle'] } } },
      'arms.a.only: "circle" is none of the losses',
    ],
    ['not a grid', 'g.yaml'],
    [null, 'g.yaml'],
  ])('refuses %j', (content, message) => {
    expect(() => parseGrid(content, 'g.yaml')).toThrow(message);
  });
});
