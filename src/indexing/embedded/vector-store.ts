import { compareIds } from '../item-rules.js';
import type { Nearest } from './nearest.js';

const block = 32;

/**
 * Squared Euclidean distance between `query` and the vector that begins at `start`: the one function behind every
 * distance this catalogue gives out. Gives up with Infinity once the sum is above `bound`.
 */
export function squaredDistanceAt(data: Float32Array, start: number, query: Float32Array, bound = Infinity): number {
  const dimension = query.length;
  const whole = dimension - (dimension % 4);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let from = 0; from < whole; from += block) {
    const to = Math.min(from + block, whole);
    // Four sums at a time: a single one would wait for each addition before the next.
    for (let i = from; i < to; i += 4) {
      const d0 = (data[start + i] ?? 0) - (query[i] ?? 0);
      const d1 = (data[start + i + 1] ?? 0) - (query[i + 1] ?? 0);
      const d2 = (data[start + i + 2] ?? 0) - (query[i + 2] ?? 0);
      const d3 = (data[start + i + 3] ?? 0) - (query[i + 3] ?? 0);
      s0 += d0 * d0;
      s1 += d1 * d1;
      s2 += d2 * d2;
      s3 += d3 * d3;
    }
    if (s0 + s1 + (s2 + s3) > bound) return Infinity;
  }
  for (let i = whole; i < dimension; i++) {
    const d = (data[start + i] ?? 0) - (query[i] ?? 0);
    s0 += d * d;
  }
  return s0 + s1 + (s2 + s3);
}

/** All vectors in one block of memory, one slot each; slots of removed items are used again. */
export class VectorStore {
  readonly dimension: number;
  #data: Float32Array;
  /** Row number of each slot; 0 where it is free. */
  #rows: number[] = [];
  #ids: string[] = [];
  #free: number[] = [];
  readonly #slotOf = new Map<number, number>();

  constructor(dimension: number, capacity = 1024) {
    this.dimension = dimension;
    this.#data = new Float32Array(capacity * dimension);
  }

  /** Vectors that are there. */
  get size(): number {
    return this.#slotOf.size;
  }

  /** Slots in use or free: every slot is below this. */
  get slots(): number {
    return this.#rows.length;
  }

  add(row: number, id: string, vector: Float32Array): void {
    const slot = this.#free.pop() ?? this.#rows.length;
    const start = slot * this.dimension;
    if (start + this.dimension > this.#data.length) {
      const larger = new Float32Array(this.#data.length * 2);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data.set(vector, start);
    this.#rows[slot] = row;
    this.#ids[slot] = id;
    this.#slotOf.set(row, slot);
  }

  remove(row: number): void {
    const slot = this.#slotOf.get(row);
    if (slot === undefined) return;
    this.#slotOf.delete(row);
    this.#rows[slot] = 0;
    this.#ids[slot] = '';
    this.#free.push(slot);
  }

  slotOf(row: number): number | undefined {
    return this.#slotOf.get(row);
  }

  rowAt(slot: number): number {
    return this.#rows[slot] ?? 0;
  }

  idAt(slot: number): string {
    return this.#ids[slot] ?? '';
  }

  rows(): IterableIterator<number> {
    return this.#slotOf.keys();
  }

  /** A view, valid until the next `add`. */
  at(slot: number): Float32Array {
    return this.#data.subarray(slot * this.dimension, (slot + 1) * this.dimension);
  }

  distanceTo(slot: number, query: Float32Array): number {
    return squaredDistanceAt(this.#data, slot * this.dimension, query);
  }

  readonly compareSlots = (a: number, b: number): number => compareIds(this.idAt(a), this.idAt(b));

  /** Offers every vector, or only those in `among`; of these, or of all slots, the ones from `from` up to `to`. */
  scan(query: Float32Array, nearest: Nearest, among?: ArrayLike<number>, from = 0, to = Infinity): void {
    const data = this.#data;
    const rows = this.#rows;
    const dimension = this.dimension;
    const end = Math.min(to, among?.length ?? rows.length);
    for (let i = from; i < end; i++) {
      const slot = among ? (among[i] ?? 0) : i;
      if (rows[slot] === 0) continue;
      const distance = squaredDistanceAt(data, slot * dimension, query, nearest.worst);
      if (distance <= nearest.worst) nearest.offer(distance, slot);
    }
  }
}
