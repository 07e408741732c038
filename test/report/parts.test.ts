import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { command, settingsOf } from '../../src/cli/commands/train.js';
import { parseOptions } from '../../src/config/parse.js';
import { trainOptions } from '../../src/config/train.js';
import { trainCommand } from '../../src/report/command.js';
import { rankCorrelation } from '../../src/report/rank-correlation.js';
import { logHistogram } from '../../src/report/sections/density.js';
import { pickWorst } from '../../src/report/worst.js';
import { collect } from '../cli/collect.js';

/** What the train command understands of a command line, as the settings of a run. */
function understood(line: string): unknown {
  // A POSIX shell's reading of what the report prints: continued lines, and words in single quotes.
  const words = [...line.replaceAll('\\\n', ' ').matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) =>
    word.replaceAll("'", ''),
  );
  const train = command.build(collect().context).action(() => undefined);
  train.parse(words.slice(2), { from: 'user' });
  return settingsOf(parseOptions('train', trainOptions, train.opts(), {}));
}

describe('trainCommand', () => {
  it.each([
    [{}],
    [{ regularizer: 'gate+band:0.1', regularizerOptions: 'band.lo=0.4', kappa: '5' }],
    [{ loss: 'triplet', miner: 'hard', margin: '0.3', seed: '7', validateEvery: '3', dim: '64' }],
    [{ loss: 'npair', lambda: '0.2', lambdaSchedule: 'cosine', backbone: 'my net/model.json', trainFrom: 'all' }],
    [{ cache: 'disk', cacheViews: '4', memory: '100', memoryWarmup: '5' }],
  ])('is understood as the very settings it was made of: %o', (flags) => {
    const settings = settingsOf(parseOptions('train', trainOptions, { data: 'd', out: 'o', ...flags }, {}));
    // As a bundle holds them.
    const stored: unknown = JSON.parse(JSON.stringify(settings));
    const line = trainCommand(z.record(z.string(), z.unknown()).parse(stored), 'my data') ?? '';
    expect(line.startsWith("kindred train \\\n  --data 'my data' --out MODEL \\\n")).toBe(true);
    expect(JSON.parse(JSON.stringify(understood(line)))).toEqual(stored);
  });

  it('is not known of a bundle without settings', () => {
    expect(trainCommand(null, 'd')).toBeNull();
  });
});

it('rank correlation, with ties sharing their rank', () => {
  expect(rankCorrelation([1, 2, 3, 4], [10, 20, 40, 80])).toBeCloseTo(1);
  expect(rankCorrelation([1, 2, 3, 4], [8, 6, 4, 2])).toBeCloseTo(-1);
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5 · 5)
  expect(rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(22.5));
  expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNaN();
});

it('a histogram on a logarithmic axis holds every value once', () => {
  const bars = logHistogram([0.01, 0.1, 0.1, 1], 0.01, 1 + 1e-9);
  expect(bars.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(100);
  expect(bars.find(({ from, to }) => from <= 0.1 * (1 + 1e-6) && 0.1 < to)?.share).toBe(50);
  expect([bars[0]?.share, bars.at(-1)?.share]).toEqual([25, 25]);
  // All values alike: one bar, and no division by an empty axis.
  expect(logHistogram([2, 2], 2, 2).reduce((sum, { share }) => sum + share, 0)).toBe(100);
});

it('the worst queries are one of each class before two of any', () => {
  const query = (row: number, precision: number, firstRank: number) => ({ row, precision, firstRank });
  const found = [query(0, 0, 5), query(1, 0, 9), query(2, 0.5, 1), query(3, 0.2, 3), query(4, 0.1, 2)];
  const classes = Int32Array.from([0, 0, 1, 1, 0]);
  expect(pickWorst(found, classes, 4).map(({ row }) => row)).toEqual([1, 3, 0, 4]);
});
