import { KindredError } from '../../core/errors.js';
import { sigmoid } from '../../model/calibration.js';

export interface LogisticFit {
  readonly intercept: number;
  readonly weights: readonly number[];
}

const mostSteps = 100;
/** A move this small has converged: the next one would be its square. Below it, rounding hides whether the cost falls. */
const tolerance = 1e-6;

/**
 * Logistic regression by Newton's method (iteratively reweighted least squares): the minimum of
 * Σ log(1 + exp(−±z)) + penalty/2 · ‖weights‖²; the intercept is free. A step that does not lower it is halved. The
 * penalty keeps the minimum finite where the classes separate.
 * @param rows feature columns, standardised; all of the same length
 * @param outcomes 0 or 1
 * @param penalty > 0
 * @throws KindredError dataset-too-small when the outcomes are all the same
 */
export function fitLogistic(
  columns: readonly Float64Array[],
  outcomes: ArrayLike<number>,
  penalty: number,
): LogisticFit {
  const count = outcomes.length;
  let ones = 0;
  for (let row = 0; row < count; row++) ones += outcomes[row] ?? 0;
  if (ones === 0 || ones === count) {
    throw new KindredError('dataset-too-small', 'every neighbour has the same outcome: there is nothing to calibrate', {
      hint: 'Calibrate on more classes, so that neighbours are sometimes right and sometimes wrong.',
    });
  }
  const size = columns.length + 1;
  let beta = new Float64Array(size);
  beta[0] = Math.log(ones / (count - ones));
  let cost = costOf(columns, outcomes, penalty, beta);
  for (let step = 0; step < mostSteps; step++) {
    const move = newtonMove(columns, outcomes, penalty, beta);
    if (move.every((value) => Math.abs(value) < tolerance)) {
      beta = beta.map((value, i) => value - (move[i] ?? 0));
      break;
    }
    let scale = 1;
    let next = beta;
    let nextCost = Infinity;
    for (; scale > 1e-8 && !(nextCost <= cost); scale /= 2) {
      const by = scale;
      next = beta.map((value, i) => value - by * (move[i] ?? 0));
      nextCost = costOf(columns, outcomes, penalty, next);
    }
    if (!(nextCost <= cost)) break;
    beta = next;
    cost = nextCost;
  }
  return { intercept: beta[0] ?? 0, weights: [...beta.subarray(1)] };
}

function linear(columns: readonly Float64Array[], beta: Float64Array, row: number): number {
  let z = beta[0] ?? 0;
  for (let i = 0; i < columns.length; i++) z += (beta[i + 1] ?? 0) * (columns[i]?.[row] ?? 0);
  return z;
}

function costOf(
  columns: readonly Float64Array[],
  outcomes: ArrayLike<number>,
  penalty: number,
  beta: Float64Array,
): number {
  let cost = 0;
  for (let i = 1; i < beta.length; i++) cost += (penalty / 2) * (beta[i] ?? 0) ** 2;
  for (let row = 0; row < outcomes.length; row++) {
    const z = linear(columns, beta, row);
    // log(1 + e^z) − y·z, without overflow
    cost += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - (outcomes[row] ?? 0) * z;
  }
  return cost;
}

/** H⁻¹ g */
function newtonMove(
  columns: readonly Float64Array[],
  outcomes: ArrayLike<number>,
  penalty: number,
  beta: Float64Array,
): Float64Array {
  const size = beta.length;
  const gradient = new Float64Array(size);
  const hessian = Array.from({ length: size }, () => new Float64Array(size));
  const values = new Float64Array(size);
  values[0] = 1;
  for (let row = 0; row < outcomes.length; row++) {
    const p = sigmoid(linear(columns, beta, row));
    const weight = p * (1 - p);
    for (let i = 1; i < size; i++) values[i] = columns[i - 1]?.[row] ?? 0;
    for (let i = 0; i < size; i++) {
      const at = values[i] ?? 0;
      gradient[i] = (gradient[i] ?? 0) + (p - (outcomes[row] ?? 0)) * at;
      const line = hessian[i];
      if (line) for (let j = 0; j < size; j++) line[j] = (line[j] ?? 0) + weight * at * (values[j] ?? 0);
    }
  }
  for (let i = 0; i < size; i++) {
    const line = hessian[i];
    if (!line) continue;
    // The intercept's 1e-9 only keeps the system solvable where every probability is 0 or 1.
    line[i] = (line[i] ?? 0) + (i === 0 ? 1e-9 : penalty);
    if (i > 0) gradient[i] = (gradient[i] ?? 0) + penalty * (beta[i] ?? 0);
  }
  return solve(hessian, gradient);
}

/** Gauss elimination with pivots; both arguments are used up. */
function solve(matrix: Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(matrix[row]?.[column] ?? 0) > Math.abs(matrix[pivot]?.[column] ?? 0)) pivot = row;
    }
    const [upper, lower] = [matrix[pivot], matrix[column]];
    if (upper && lower) [matrix[column], matrix[pivot]] = [upper, lower];
    [right[column], right[pivot]] = [right[pivot] ?? 0, right[column] ?? 0];
    const line = matrix[column];
    const head = line?.[column] ?? 0;
    if (!line || head === 0) continue;
    for (let row = column + 1; row < size; row++) {
      const target = matrix[row];
      const factor = (target?.[column] ?? 0) / head;
      if (!target || factor === 0) continue;
      for (let i = column; i < size; i++) target[i] = (target[i] ?? 0) - factor * (line[i] ?? 0);
      right[row] = (right[row] ?? 0) - factor * (right[column] ?? 0);
    }
  }
  const result = new Float64Array(size);
  for (let row = size - 1; row >= 0; row--) {
    let sum = right[row] ?? 0;
    for (let i = row + 1; i < size; i++) sum -= (matrix[row]?.[i] ?? 0) * (result[i] ?? 0);
    const head = matrix[row]?.[row] ?? 0;
    result[row] = head === 0 ? 0 : sum / head;
  }
  return result;
}
