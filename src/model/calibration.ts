import { z } from 'zod';

/** Beside bundle.json; no part of the fingerprint, so that a new calibration leaves indexes valid. */
export const calibrationFile = 'calibration.json';

/** What a score is computed from. */
export const scoreFeatures = ['log-distance', 'query-density', 'item-density'] as const;
export type ScoreFeature = (typeof scoreFeatures)[number];

/** Squared distances are taken as log(d + this), so that duplicates have a finite one. */
export const distanceOffset = 1e-3;

const finite = z.number();

/**
 * A monotone curve through the points (x, y) of an isotonic regression, straight between them and level outside.
 */
export const curveSchema = z
  .object({ x: z.array(finite).min(1), y: z.array(finite.min(0).max(1)).min(1) })
  .refine(({ x, y }) => x.length === y.length, { error: 'must have as many y as x' })
  .refine(({ x, y }) => isAscending(x) && isAscending(y), { error: 'must be ascending' });
export type Curve = z.infer<typeof curveSchema>;

function isAscending(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value >= (values[index - 1] ?? value));
}

/** Densities further than this from the fit's mean, in deviations, count as this far: among duplicates they have no end. */
const farthestDensity = 3;

/**
 * score = g(intercept + Σ weight · v + s · d), v = (feature − mean) / deviation of a density, d the same of the distance,
 * s = min(0, weight of the distance + Σ slope · v): how fast a score falls with the distance depends on the densities, and
 * it never rises. g is the logistic function or a curve.
 */
export const fitSchema = z.object({
  method: z.enum(['logistic', 'isotonic']),
  terms: z
    .array(
      z.object({
        feature: z.enum(scoreFeatures),
        mean: finite,
        deviation: finite.positive(),
        weight: finite,
        /** Of a density: what it adds to the weight of the distance; absent: nothing. */
        slope: finite.optional(),
      }),
    )
    .min(1),
  intercept: finite,
  /** Only of an isotonic fit. */
  curve: curveSchema.optional(),
});
export type Fit = z.infer<typeof fitSchema>;

const share = z.number().min(0).max(1);

/** One way of fitting, as cross-validation over classes saw it. */
export const candidateSchema = z.object({
  method: z.enum(['logistic', 'isotonic']),
  /** Whether it sees the local densities, or the distance alone. */
  density: z.boolean(),
  brier: share,
  ece: share,
});
export type Candidate = z.infer<typeof candidateSchema>;

/** calibration.json, in a bundle or in an index. See docs/calibration.md. */
export const calibrationSchema = z.object({
  formatVersion: z.literal(1),
  /** Of the model whose distances these are. */
  fingerprint: z.string(),
  /** Neighbours that a local density is taken over. */
  densityNeighbours: z.number().int().min(1),
  fittedOn: z.object({
    /** The data set's name, or 'index'. */
    name: z.string(),
    /** Undefined for an index. */
    split: z.string().optional(),
    classes: z.number().int(),
    queries: z.number().int(),
    /** Nearest neighbours of each query that were looked at. */
    neighbours: z.number().int(),
    /** Items that were searched. */
    gallery: z.number().int(),
  }),
  /** Measured on classes left out of the fit, in turn. */
  crossValidation: z.object({ folds: z.number().int(), candidates: z.array(candidateSchema) }),
  /** What scores come from. */
  fit: fitSchema,
  /** For results whose local density, or the query's, is not known. */
  distanceOnly: fitSchema,
  /** The best that sees the densities, kept or not, so that both can be compared. */
  withDensity: fitSchema.optional(),
  kindred: z.string(),
  createdAt: z.iso.datetime(),
});
export type Calibration = z.infer<typeof calibrationSchema>;

/** What is known of a query and one of its neighbours. */
export interface ScoredPair {
  /** Squared Euclidean distance of unit vectors, 0 … 4. */
  readonly distance: number;
  /** See core/local-density.ts; null where unknown. */
  readonly queryDensity: number | null;
  readonly itemDensity: number | null;
}

/** The value of a feature; NaN for a density that is not known. */
export function featureOf(feature: ScoreFeature, { distance, queryDensity, itemDensity }: ScoredPair): number {
  if (feature === 'log-distance') return Math.log(Math.max(0, distance) + distanceOffset);
  return (feature === 'query-density' ? queryDensity : itemDensity) ?? NaN;
}

/** A feature as a fit sees it: standardised, densities within 3 deviations; NaN for a density that is not known. */
export function standardisedOf(
  { feature, mean, deviation }: Pick<Fit['terms'][number], 'feature' | 'mean' | 'deviation'>,
  pair: ScoredPair,
): number {
  const value = (featureOf(feature, pair) - mean) / deviation;
  if (feature === 'log-distance') return value;
  return Math.min(farthestDensity, Math.max(-farthestDensity, value));
}

/** What a fit's curve is taken of: greater for what is likelier the same; NaN where a density is not known. */
export function predictorOf({ terms, intercept }: Pick<Fit, 'terms' | 'intercept'>, pair: ScoredPair): number {
  let sum = intercept;
  let distance = 0;
  let fall = 0;
  for (const term of terms) {
    const value = standardisedOf(term, pair);
    if (term.feature === 'log-distance') {
      distance = value;
      fall += term.weight;
    } else {
      sum += term.weight * value;
      fall += (term.slope ?? 0) * value;
    }
  }
  return sum + Math.min(0, fall) * distance;
}

export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/** The curve's y at `at`. */
export function interpolate({ x, y }: Curve, at: number): number {
  let low = 0;
  let high = x.length - 1;
  if (at <= (x[low] ?? 0)) return y[low] ?? 0;
  if (at >= (x[high] ?? 0)) return y[high] ?? 0;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [x[low], x[high], y[low], y[high]];
  return x1 > x0 ? y0 + ((y1 - y0) * (at - x0)) / (x1 - x0) : y1;
}

/** The probability, 0 … 1, that a fit gives a pair; NaN where the fit needs a density that is not known. */
export function applyFit(fit: Fit, pair: ScoredPair): number {
  const z = predictorOf(fit, pair);
  if (Number.isNaN(z)) return NaN;
  return fit.curve ? interpolate(fit.curve, z) : sigmoid(z);
}

/** The calibrated probability, 0 … 1, that a neighbour is of the query's class. */
export function scorePair({ fit, distanceOnly }: Pick<Calibration, 'fit' | 'distanceOnly'>, pair: ScoredPair): number {
  const score = applyFit(fit, pair);
  return Number.isNaN(score) ? applyFit(distanceOnly, pair) : score;
}
