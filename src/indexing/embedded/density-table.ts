/** The local density of one item, and what it takes to know when it is out of date. */
export interface DensityEntry {
  /** See core/local-density.ts; null when there is no other item. */
  readonly density: number | null;
  /** Squared distance of the farthest neighbour it is taken over; Infinity while there are fewer than ten. */
  readonly radius: number;
  /** Number of the catalogue's last change when it was computed. */
  readonly change: number;
}

/** Local densities in memory, one entry for each slot of the vector store. NaN stands for "none". */
export class DensityTable {
  #densities = new Float64Array(1024).fill(NaN);
  #radii = new Float64Array(1024).fill(NaN);
  #changes = new Float64Array(1024).fill(NaN);
  #known = 0;

  /** Slots with an entry. */
  get known(): number {
    return this.#known;
  }

  at(slot: number): number | null {
    const density = this.#densities[slot] ?? NaN;
    return Number.isNaN(density) ? null : density;
  }

  /** NaN where there is no entry. */
  radiusAt(slot: number): number {
    return this.#radii[slot] ?? NaN;
  }

  /** NaN where there is no entry. */
  changeAt(slot: number): number {
    return this.#changes[slot] ?? NaN;
  }

  set(slot: number, { density, radius, change }: DensityEntry): void {
    if (slot >= this.#densities.length) this.#grow(slot + 1);
    if (Number.isNaN(this.#changes[slot] ?? NaN)) this.#known++;
    this.#densities[slot] = density ?? NaN;
    this.#radii[slot] = radius;
    this.#changes[slot] = change;
  }

  clear(slot: number): void {
    if (Number.isNaN(this.changeAt(slot))) return;
    this.#known--;
    this.#densities[slot] = NaN;
    this.#radii[slot] = NaN;
    this.#changes[slot] = NaN;
  }

  #grow(least: number): void {
    const length = Math.max(least, this.#densities.length * 2);
    const larger = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(length).fill(NaN);
      next.set(old);
      return next;
    };
    this.#densities = larger(this.#densities);
    this.#radii = larger(this.#radii);
    this.#changes = larger(this.#changes);
  }
}
