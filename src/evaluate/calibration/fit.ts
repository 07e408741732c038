import { KindredError } from '../../core/errors.js';
import { createRandom, shuffled } from '../../core/random.js';
import {
  applyFit,
  featureOf,
  predictorOf,
  standardisedOf,
  type Candidate,
  type Fit,
  type ScoreFeature,
  type ScoredPair,
} from '../../model/calibration.js';
import { fitIsotonic } from './isotonic.js';
import { fitLogistic } from './logistic.js';
import type { LabelledPair } from './pairs.js';
import { reliabilityOf } from './reliability.js';

export const folds = 5;
/** Fewer classes than this leave too little in a fold to say anything. */
const leastClasses = 5;

/** On Σ over pairs; the features are standardised. Enough to keep separable data finite, too little to be seen otherwise. */
const penalty = 1;

const featuresOf = (density: boolean): readonly ScoreFeature[] =>
  density ? ['log-distance', 'query-density', 'item-density'] : ['log-distance'];

const isKnown = ({ queryDensity, itemDensity }: ScoredPair): boolean => queryDensity !== null && itemDensity !== null;

function standardise(feature: ScoreFeature, pairs: readonly ScoredPair[]): { mean: number; deviation: number } {
  let sum = 0;
  for (const pair of pairs) sum += featureOf(feature, pair);
  const mean = sum / pairs.length;
  let squares = 0;
  for (const pair of pairs) squares += (featureOf(feature, pair) - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / pairs.length) || 1 };
}

/**
 * Fits the probability that a pair is of the same class. Logistic: features standardised, weights penalised; with densities,
 * their products with the distance are features too, since a distance means more where items lie close together. Isotonic: a
 * monotone curve over what the logistic fit takes its function of, so that both see the same features. A nearer item is
 * never less likely: where the data say otherwise, the distance counts for nothing.
 * @throws KindredError dataset-too-small when all pairs are alike or no density is known
 */
export function fitPairs(
  pairs: readonly LabelledPair[],
  { method, density }: Pick<Candidate, 'method' | 'density'>,
): Fit {
  const rows = density ? pairs.filter(isKnown) : pairs;
  const outcomes = Uint8Array.from(rows, ({ same }) => same);
  const scales = featuresOf(density).map((feature) => ({ feature, ...standardise(feature, rows) }));
  const columns = scales.map((scale) => Float64Array.from(rows, (pair) => standardisedOf(scale, pair)));
  const [distances, ...densities] = columns;
  const products = densities.map((values) => values.map((value, row) => value * (distances?.[row] ?? 0)));
  const { intercept, weights } = fitLogistic([...columns, ...products], outcomes, penalty);
  const terms = scales.map((scale, index) => ({
    ...scale,
    weight: weights[index] ?? 0,
    ...(index > 0 && { slope: weights[columns.length + index - 1] ?? 0 }),
  }));
  if (method === 'logistic') return { method, terms, intercept };
  const scores = Float64Array.from(rows, (pair) => predictorOf({ terms, intercept }, pair));
  return { method, terms, intercept, curve: fitIsotonic(scores, outcomes) };
}

/** @throws KindredError dataset-too-small when there are too few classes of two pictures or more to leave some out */
export function requireClasses(count: number): void {
  if (count >= leastClasses) return;
  throw new KindredError(
    'dataset-too-small',
    `a calibration needs at least ${leastClasses} classes with two pictures each, and there are ${count}`,
    { hint: 'Label more of them, or hold out more classes when preparing the data set.' },
  );
}

/** Class → fold, shuffled with a fixed seed; classes, not rows, so that no class is on both sides. */
function foldOf(pairs: readonly LabelledPair[]): Map<number, number> {
  const classes = [...new Set(pairs.map(({ queryClass }) => queryClass))].sort((a, b) => a - b);
  requireClasses(classes.length);
  return new Map(shuffled(classes, createRandom('calibration folds')).map((label, index) => [label, index % folds]));
}

const kinds = [true, false].flatMap((density) =>
  (['isotonic', 'logistic'] as const).map((method) => ({ method, density })),
);

/**
 * Each way of fitting, measured on classes left out of it: a fold's queries are scored by a fit that saw no pair with
 * either end in the fold's classes.
 * @throws KindredError dataset-too-small
 */
export function crossValidate(pairs: readonly LabelledPair[]): Candidate[] {
  const foldByClass = foldOf(pairs);
  return kinds.map((kind) => {
    const scores: number[] = [];
    const outcomes: number[] = [];
    for (let fold = 0; fold < folds; fold++) {
      const isOut = (label: number): boolean => foldByClass.get(label) === fold;
      const fit = fitPairs(
        pairs.filter(({ queryClass, itemClass }) => !isOut(queryClass) && !isOut(itemClass)),
        kind,
      );
      for (const pair of pairs) {
        if (!isOut(pair.queryClass) || !isKnown(pair)) continue;
        scores.push(applyFit(fit, pair));
        outcomes.push(pair.same);
      }
    }
    const { brier, ece } = reliabilityOf(scores, outcomes);
    return { ...kind, brier, ece };
  });
}

/** The best of the candidates by Brier score; with `density` given, of those that do or do not see it. */
export function bestOf(candidates: readonly Candidate[], density?: boolean): Candidate {
  const [first, ...rest] = candidates.filter((candidate) => density === undefined || candidate.density === density);
  if (!first) throw new KindredError('internal', 'there is nothing to choose from');
  return rest.reduce((best, candidate) => (candidate.brier < best.brier ? candidate : best), first);
}
