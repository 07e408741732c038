import { KindredError } from '../core/errors.js';
import { densityNeighbours, expectedPrecisionCut, localDensity } from '../core/local-density.js';
import type { Catalogue, Neighbour, SearchOptions } from '../indexing/catalogue.js';
import { scorePair, type Calibration } from '../model/calibration.js';
import type { Stopwatch } from './stopwatch.js';

export interface ScoredNeighbour extends Neighbour {
  /** The calibrated probability, 0 … 1, that it is the same class as the query; null without a calibration. */
  readonly score: number | null;
}

export interface Scoring {
  /** @throws KindredError calibration-missing, saying that `what` needs it */
  require(field: string, what: string): void;
  /**
   * The catalogue's answer with a score for each item.
   * @param density the query's local density where it is known; else its neighbours tell
   * @param ahead the catalogue's answer where it is there already
   */
  search(
    vector: Float32Array,
    options: SearchOptions,
    density: number | null,
    watch: Stopwatch,
    ahead?: readonly Neighbour[],
  ): Promise<{ readonly results: ScoredNeighbour[]; readonly density: number | null }>;
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
    require(field, what) {
      if (calibration === null) throw notCalibrated(field, what);
    },
    async search(vector, options, density, watch, ahead) {
      if (calibration === null) {
        const found = ahead ?? (await watch.during('search', () => catalogue.search(vector, options)));
        return { results: found.map((one) => withScore(one, null)), density };
      }
      const { filter, limit, after, ...rest } = options;
      const unknown = usesQueryDensity && density === null;
      // A filter hides neighbours, and how dense it is around a query does not depend on what is asked of it.
      const hidden = filter !== undefined || after !== undefined;
      const inReach = unknown && !hidden ? Math.max(limit, densityNeighbours) : limit;
      const [found, around] = await Promise.all([
        ahead !== undefined && inReach === limit
          ? ahead
          : watch.during('search', () => catalogue.search(vector, { ...options, limit: inReach })),
        unknown && hidden ? watch.during('score', () => catalogue.densityAt(vector, rest)) : density,
      ]);
      return watch.during('score', () => {
        const queryDensity = unknown && !hidden ? localDensity(found.map(({ distance }) => distance)) : around;
        const results = found.slice(0, limit).map((neighbour) => {
          const { distance, density: itemDensity } = neighbour;
          return withScore(neighbour, scorePair(calibration, { distance, queryDensity, itemDensity }));
        });
        return { results, density: queryDensity };
      });
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

/** Written out, as in presentResult. */
function withScore({ item, distance, density }: Neighbour, score: number | null): ScoredNeighbour {
  return { item, distance, density, score };
}

function notCalibrated(field: string, what: string): KindredError {
  return new KindredError(
    'calibration-missing',
    `${what} needs scores, and the model of this index is not calibrated`,
    {
      field,
      hint: `Calibrate it on the index’s labels: kindred calibrate --index INDEX; or give ${field === 'limit' ? 'limit a number' : 'maxDistance instead'}.`,
    },
  );
}
