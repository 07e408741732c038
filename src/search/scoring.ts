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

  /** A filter hides neighbours, and what is near a query does not depend on what is asked of it. */
  const unfiltered = async (vector: Float32Array, { filter, ...options }: SearchOptions): Promise<Neighbour[]> =>
    filter === undefined ? [] : catalogue.search(vector, { ...options, limit: densityNeighbours });

  return {
    usesQueryDensity,
    require() {
      if (calibration === null) throw notCalibrated();
    },
    async search(vector, options, density) {
      if (calibration === null) {
        return (await catalogue.search(vector, options)).map((found) => ({ ...found, score: null }));
      }
      const computed = usesQueryDensity && density === null;
      const limit =
        computed && options.filter === undefined ? Math.max(options.limit, densityNeighbours) : options.limit;
      const [found, near] = await Promise.all([
        catalogue.search(vector, { ...options, limit }),
        computed ? unfiltered(vector, options) : [],
      ]);
      const around = options.filter === undefined ? found : near;
      const queryDensity = computed ? localDensity(around.map(({ distance }) => distance)) : density;
      return found.slice(0, options.limit).map((neighbour) => ({
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
