import type { ReportProgress } from '../core/progress.js';
import { clusteringValues } from '../metrics/clustering.js';
import { kMeans } from '../metrics/k-means.js';
import { stopIfAborted } from './embed-items.js';
import type { ExactSearch } from './exact/search.js';

/** How a clustering was made, and what it is worth. */
export interface Clustering {
  /** Clusters: as many as there are classes. */
  readonly k: number;
  readonly seed: number;
  readonly rounds: number;
  /** False when 100 rounds did not suffice. */
  readonly converged: boolean;
  /** nmi, ami, f1 */
  readonly values: Readonly<Record<string, number>>;
}

/**
 * Images × classes up to which a clustering comes without being asked for: it takes seconds there. The test halves of
 * CUB-200-2011 and Cars196 are below; Stanford Online Products (60,502 images of 11,316 classes) is far above and takes
 * minutes.
 */
const small = 2e6;

export const isSmall = (images: number, classes: number): boolean => images * classes <= small;

export interface ClusterOptions {
  readonly embeddings: Float32Array;
  /** Class of each row, 0 … classes − 1. */
  readonly labels: Int32Array;
  readonly dimension: number;
  readonly search: ExactSearch;
  readonly stage: string;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** k-means with as many clusters as there are classes, seed 0. @throws KindredError interrupted */
export async function clusterImages(options: ClusterOptions): Promise<Clustering> {
  const { embeddings, labels, dimension, search, stage, progress, signal } = options;
  const [k, seed] = [new Set(labels).size, 0];
  const { clusters, rounds, converged } = await kMeans({
    rows: embeddings,
    dimension,
    k,
    seed,
    nearest: (query) => search.nearest(query),
    onProgress(done, total) {
      stopIfAborted(signal);
      progress({ stage, done: Math.round(done), total, unit: 'images' });
    },
  });
  return { k, seed, rounds, converged, values: clusteringValues(labels, clusters) };
}
