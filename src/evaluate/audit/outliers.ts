import { localDensity } from '../../core/local-density.js';
import type { Neighbourhood } from './neighbourhood.js';

/** An item that is far from all others. */
export interface Outlier {
  readonly item: number;
  /** Local density (core/local-density.ts): lower is more alone. */
  readonly density: number;
}

export interface Outliers {
  /** Loneliest first. */
  readonly found: readonly Outlier[];
  /** Median density of all items; null when there are fewer than two. */
  readonly median: number | null;
  /** Items below this density are outliers. */
  readonly fence: number | null;
}

/** Value at a share of the way through sorted values, between two of them where it falls there. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return low + (high - low) * (place - Math.floor(place));
}

/** In distances between the quartiles. Tukey's 1.5 found one of six planted strangers, 1 all of them (docs/audit.md). */
const fenceWidth = 1;

/**
 * Items whose local density is below the lower quartile by more than the distance between the quartiles (after J. W. Tukey,
 * Exploratory Data Analysis, 1977).
 */
export function findOutliers({ items, k, distances }: Neighbourhood): Outliers {
  const densities = items.flatMap((_, item): Outlier[] => {
    const near = distances.subarray(item * k, (item + 1) * k).filter((distance) => distance < Infinity);
    const density = localDensity(near);
    return density === null ? [] : [{ item, density }];
  });
  if (densities.length < 2) return { found: [], median: null, fence: null };
  const sorted = Float64Array.from(densities, ({ density }) => density).sort();
  const [q1, q3] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  const fence = q1 - fenceWidth * (q3 - q1);
  const found = densities.filter(({ density }) => density < fence);
  return { found: found.sort((a, b) => a.density - b.density), median: quantile(sorted, 0.5), fence };
}
