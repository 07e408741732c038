import { contingency } from './contingency.js';
import { adjustedMutualInformation, normalizedMutualInformation } from './mutual-information.js';
import { pairwiseF1 } from './pairwise-f1.js';

/** Measures of a clustering against classes, in the order of reports. */
export const clusterMeasures = ['nmi', 'ami', 'f1'] as const;

/**
 * NMI, AMI and pairwise F1 of clusters against classes.
 * @throws KindredError dataset-invalid when the two differ in length
 */
export function clusteringValues(
  classes: Int32Array,
  clusters: Int32Array,
): Readonly<Record<(typeof clusterMeasures)[number], number>> {
  const table = contingency(classes, clusters);
  return {
    nmi: normalizedMutualInformation(table),
    ami: adjustedMutualInformation(table),
    f1: pairwiseF1(table),
  };
}
