import { KindredError } from './errors.js';

/** All values in a row. */
export function concatenate(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

/** sum += values, in place; both of the same length. */
export function addInto(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (values[i] ?? 0);
}

/** Dot product of two vectors of the same length. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Squared Euclidean distance between two vectors of the same length; 0 … 4 on the unit sphere. */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    sum += difference * difference;
  }
  return sum;
}

/** Euclidean norm. */
export function norm(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector));
}

/** A unit-length copy. A zero vector stays zero. */
export function l2Normalize(vector: Float32Array): Float32Array {
  const length = norm(vector);
  return length === 0 ? vector.slice() : vector.map((value) => value / length);
}

/**
 * Checks a vector that came from outside and makes it unit length.
 * @throws KindredError invalid-vector: wrong length, a value that is not finite, or all zero.
 */
export function checkedUnitVector(values: ArrayLike<number>, dimension: number, field = 'vector'): Float32Array {
  if (values.length !== dimension) {
    throw new KindredError('invalid-vector', `${field} has ${values.length} numbers, this index takes ${dimension}`, {
      field,
    });
  }
  const vector = Float32Array.from(values);
  if (vector.some((value) => !Number.isFinite(value))) {
    throw new KindredError('invalid-vector', `${field} holds a value that is not a finite number`, { field });
  }
  // Scaled first: squares of very small or very large values leave float32's range.
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) throw new KindredError('invalid-vector', `${field} is all zero`, { field });
  return l2Normalize(vector.map((value) => value / largest));
}
