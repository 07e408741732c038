import { KindredError } from '../core/errors.js';
import { densityNeighbours, expectedPrecisionCut, localDensity } from '../core/local-density.js';
import type { Catalogue, Neighbour, SearchOptions } from '../indexing/catalogue.js';
import { scorePair, type Calibration } from '../model/calibration.js';

export interface ScoredNeighbour extends Neighbour {
  /** The calibrated probability, 0 … 1, that it is the same class as the query; null without a calibration. */
  readonly score: number | null;
}

export interface Scoring {
  /** True when scores depend on the query's own local density. */
  readonly usesQueryDensity: boolean;
  /** @throws KindredError calibration-missing */
  require(): void;
  /**
   * The catalogue's answer with a score for each item.
   * @param density the query's local density where it is known; else its neighbours tell
   */
  search(vector: Float32Array, options: SearchOptions, density: number | null): Promise<ScoredNeighbour[]>;
  /** As many of the first results as keep the mean of their scores at `precision`. */
  cut(results: readonly ScoredNeighbour[], precision: number): ScoredNeighbour[];
}

export interface ScoringParts {
  readonly catalogue: Catalogue;
  readonly calibration: Pick<Calibration, 'fit' | 'distanceOnly'> | null;
}

/** Scores of a catalogue's answers: item densities come with the items, a query's density from its own neighbours. */
export function createScoring({ catalogue, calibration }: ScoringParts): Scoring {
  const usesQueryDensity = calibration?.fit.terms.some(({ feature }) => feature === 'query-density') ?? false;

  return {
    usesQueryDensity,
    require() {
      if (calibration === null) throw notCalibrated();
    },
    async search(vector, options, density) {
      if (calibration === null) {
        return (await catalogue.search(vector, options)).map((found) => ({ ...found, score: null }));
      }
      const { filter, limit, ...rest } = options;
      const unknown = usesQueryDensity && density === null;
      // A filter hides neighbours, and how dense it is around a query does not depend on what is asked of it.
      const [found, around] = await Promise.all([
        catalogue.search(vector, {
          ...options,
          limit: unknown && filter === undefined ? Math.max(limit, densityNeighbours) : limit,
        }),
        unknown && filter !== undefined ? catalogue.densityAt(vector, rest) : density,
      ]);
      const queryDensity =
        unknown && filter === undefined ? localDensity(found.map(({ distance }) => distance)) : around;
      return found.slice(0, limit).map((neighbour) => ({
        ...neighbour,
        score: scorePair(calibration, { distance: neighbour.distance, queryDensity, itemDensity: neighbour.density }),
      }));
    },
    cut(results, precision) {
      return results.slice(
        0,
        expectedPrecisionCut(
          results.map(({ score }) => score ?? 0),
          precision,
        ),
      );
    },
  };
}

function notCalibrated(): KindredError {
  return new KindredError(
    'calibration-missing',
    'limit auto needs scores, and the model of this index is not calibrated',
    {
      field: 'limit',
      hint: 'Calibrate it on the index’s labels: kindred calibrate --index INDEX; or give limit a number.',
    },
  );
}
