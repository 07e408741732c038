import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { rowCount, type Rows } from './scores.js';

/**
 * How many directions the embeddings spread over: exp of the entropy of their normalised singular values, after the mean
 * is taken off (O. Roy, M. Vetterli: The effective rank, EUSIPCO 2007). The singular values are the roots of the
 * covariance's eigenvalues, up to a factor that falls out.
 * @param embeddings rows of `dimension` values
 * @returns 1 … min(dimension, rows − 1); 0 when all rows are equal, or when there are none
 * @throws KindredError invalid-vector
 */
export function effectiveRank(embeddings: Rows, dimension: number): number {
  const rows = rowCount(embeddings, dimension);
  if (rows < 2) return 0;
  const centred = new Matrix(rows, dimension);
  for (let i = 0; i < dimension; i++) {
    let mean = 0;
    for (let row = 0; row < rows; row++) mean += (embeddings[row * dimension + i] ?? 0) / rows;
    for (let row = 0; row < rows; row++) centred.set(row, i, (embeddings[row * dimension + i] ?? 0) - mean);
  }
  // Both products have the same eigenvalues beside zeros: the smaller one is the cheaper.
  const transposed = centred.transpose();
  const product = rows < dimension ? centred.mmul(transposed) : transposed.mmul(centred);
  const eigenvalues = new EigenvalueDecomposition(product, { assumeSymmetric: true }).realEigenvalues;
  const largest = Math.max(...eigenvalues);
  if (!(largest > 0)) return 0;
  // What is below the products' rounding is no direction.
  const singular = eigenvalues.filter((value) => value > largest * 1e-12).map(Math.sqrt);
  const total = singular.reduce((sum, value) => sum + value, 0);
  return Math.exp(singular.reduce((entropy, value) => entropy - (value / total) * Math.log(value / total), 0));
}
