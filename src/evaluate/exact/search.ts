import { setImmediate } from 'node:timers/promises';
import { nearestNeighbours, type NeighbourOptions, type Neighbours } from '../../metrics/neighbours.js';
import type { QueryRanks } from '../../metrics/rank-block.js';
import { relevantRanks, type RankOptions } from '../../metrics/ranks.js';

/** Exact search over all pairs. Every implementation gives the same answers, to the last tie. */
export interface ExactSearch {
  /** As `relevantRanks`, some queries at a time, in their order. @throws KindredError as that does */
  ranks(options: RankOptions): AsyncGenerator<readonly QueryRanks[]>;
  /** As `nearestNeighbours`. @throws KindredError as that does */
  nearest(options: NeighbourOptions): Promise<Neighbours>;
  close(): Promise<void>;
}

const queriesPerTurn = 64;

/** On the calling thread, in double precision; the event loop breathes between some queries and the next. */
export const plainSearch: ExactSearch = {
  async *ranks(options) {
    let some: QueryRanks[] = [];
    for (const query of relevantRanks(options)) {
      some.push(query);
      if (some.length < queriesPerTurn) continue;
      yield some;
      some = [];
      await setImmediate();
    }
    if (some.length > 0) yield some;
  },
  nearest: (options) => Promise.resolve().then(() => nearestNeighbours(options)),
  close: () => Promise.resolve(),
};
