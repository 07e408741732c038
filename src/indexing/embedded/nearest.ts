/**
 * The `limit` smallest (distance, slot) pairs seen so far: a binary heap with the worst on top. Equal distances are
 * ordered by `compareSlots`, so that the outcome does not depend on the order of arrival. What `skips` says is left out.
 */
export class Nearest {
  readonly #limit: number;
  readonly #compareSlots: (a: number, b: number) => number;
  readonly #distances: number[] = [];
  readonly #slots: number[] = [];
  /** Nothing farther than this can enter; Infinity until the heap is full. */
  worst = Infinity;

  readonly #skips: ((distance: number, slot: number) => boolean) | undefined;

  constructor(
    limit: number,
    compareSlots: (a: number, b: number) => number,
    skips?: (distance: number, slot: number) => boolean,
  ) {
    this.#limit = limit;
    this.#compareSlots = compareSlots;
    this.#skips = skips;
  }

  get full(): boolean {
    return this.#slots.length >= this.#limit;
  }

  offer(distance: number, slot: number): void {
    if (distance > this.worst || this.#skips?.(distance, slot) === true) return;
    const distances = this.#distances;
    const slots = this.#slots;
    if (distances.length < this.#limit) {
      distances.push(distance);
      slots.push(slot);
      this.#up(distances.length - 1);
    } else {
      if (this.#limit === 0 || this.#compare(distance, slot, distances[0] ?? 0, slots[0] ?? 0) >= 0) return;
      distances[0] = distance;
      slots[0] = slot;
      this.#down();
    }
    if (distances.length === this.#limit) this.worst = distances[0] ?? Infinity;
  }

  /** Nearest first. */
  sorted(): { distance: number; slot: number }[] {
    return this.#slots
      .map((slot, index) => ({ distance: this.#distances[index] ?? 0, slot }))
      .sort((a, b) => this.#compare(a.distance, a.slot, b.distance, b.slot));
  }

  #compare(distanceA: number, slotA: number, distanceB: number, slotB: number): number {
    return distanceA === distanceB ? this.#compareSlots(slotA, slotB) : distanceA - distanceB;
  }

  #isWorse(i: number, j: number): boolean {
    const distances = this.#distances;
    const slots = this.#slots;
    return this.#compare(distances[i] ?? 0, slots[i] ?? 0, distances[j] ?? 0, slots[j] ?? 0) > 0;
  }

  #swap(i: number, j: number): void {
    const distances = this.#distances;
    const slots = this.#slots;
    [distances[i], distances[j]] = [distances[j] ?? 0, distances[i] ?? 0];
    [slots[i], slots[j]] = [slots[j] ?? 0, slots[i] ?? 0];
  }

  #up(start: number): void {
    for (let child = start; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#isWorse(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(): void {
    const size = this.#distances.length;
    for (let parent = 0; ;) {
      let worst = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < size && this.#isWorse(child, worst)) worst = child;
      }
      if (worst === parent) return;
      this.#swap(parent, worst);
      parent = worst;
    }
  }
}
