import { clusterMeasures } from '../metrics/clustering.js';

/** What `--metrics` chooses from, in the order of reports. */
export const metricFamilies = [
  'recall',
  'precision',
  'r-precision',
  'map@r',
  'map',
  'mrr',
  'cmc',
  ...clusterMeasures,
] as const;
export type MetricFamily = (typeof metricFamilies)[number];

/** Reported where nothing was chosen; those of a clustering join them when the set is small enough. */
export const defaultFamilies: readonly MetricFamily[] = ['recall', 'r-precision', 'map@r', 'mrr'];

const clusterNames: readonly string[] = clusterMeasures;

export const isClusterMeasure = (name: string): boolean => clusterNames.includes(name);

/**
 * The measures that a report shows, in its order: recall and precision come once for each K; CMC is a curve of its own.
 * @param families undefined: the default ones, and those of a clustering where there is one
 */
export function reportedMeasures(
  ks: readonly number[],
  families: readonly MetricFamily[] | undefined,
  clustered: boolean,
): string[] {
  const chosen = families ?? [...defaultFamilies, ...clusterMeasures];
  return metricFamilies
    .filter((family) => chosen.includes(family) && family !== 'cmc' && (clustered || !isClusterMeasure(family)))
    .flatMap((family) => (family === 'recall' || family === 'precision' ? ks.map((k) => `${family}@${k}`) : [family]));
}

/** Whether a clustering is worked out: always when it was asked for, for a small set when nothing was chosen. */
export function clusteringFor(families: readonly MetricFamily[] | undefined): 'never' | 'small' | 'always' {
  if (families === undefined) return 'small';
  return families.some(isClusterMeasure) ? 'always' : 'never';
}
