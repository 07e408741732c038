import { createRandom, gaussian } from '../../core/random.js';
import { l2Normalize } from '../../core/vectors.js';
import type { Filter, NewItem } from '../../indexing/catalogue.js';

export interface FilterBenchSize {
  readonly items: number;
  readonly dimension: number;
  readonly clusters: number;
  /** Searches of one measurement. */
  readonly queries: number;
}

/** Shares of the catalogue that the filters leave. */
export const shares = [0.5, 0.1, 0.01, 0.001] as const;

const spread = 0.5;

/** Unit vectors around centres, as embeddings of pictures of things are; drawn one by one, for they may be many. */
function createClusters({
  dimension,
  clusters,
}: FilterBenchSize): (cluster: number, at: number | string) => Float32Array {
  const centres = Array.from({ length: clusters }, (_, i) => {
    const random = createRandom('centre', i);
    return Float32Array.from({ length: dimension }, () => gaussian(random));
  });
  return (cluster, at) => {
    const random = createRandom('vector', at);
    return l2Normalize(
      (centres[cluster] ?? new Float32Array(dimension)).map((value) => value + spread * gaussian(random)),
    );
  };
}

export interface FilterBenchData {
  readonly item: (at: number) => NewItem;
  readonly query: (at: number) => Float32Array;
  /** Evenly spread over the clusters. */
  readonly even: (share: number) => Filter;
  /** All of some clusters and nothing of the others, as a category is: far from most queries. */
  readonly clustered: (share: number) => Filter;
}

export function createFilterData(size: FilterBenchSize): FilterBenchData {
  const draw = createClusters(size);
  const clusterOf = (at: number): number => at % size.clusters;
  return {
    item(at) {
      const random = createRandom('chance', at);
      return {
        id: `item ${at}`,
        label: `class ${clusterOf(at)}`,
        metadata: { chance: random(), category: clusterOf(at) / size.clusters },
        imagePath: null,
        width: null,
        height: null,
        contentHash: String(at),
        embedding: draw(clusterOf(at), at),
      };
    },
    query: (at) => draw((at * 7919) % size.clusters, `query ${at}`),
    even: (share) => ({ field: 'chance', lt: share }),
    clustered: (share) => ({ field: 'category', lt: share }),
  };
}
