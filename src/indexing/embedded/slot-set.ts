/** A set of slots, one bit each: what a filter leaves of a catalogue takes an eighth of a byte an item. */
export class SlotSet {
  #words: Uint32Array;
  #count = 0;

  constructor(slots: number) {
    this.#words = new Uint32Array(Math.max(1, Math.ceil(slots / 32)));
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  has(slot: number): boolean {
    return (((this.#words[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 1;
  }

  set(slot: number, member: boolean): void {
    if (this.has(slot) === member) return;
    const at = slot >>> 5;
    if (at >= this.#words.length) {
      const larger = new Uint32Array(Math.max(at + 1, this.#words.length * 2));
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[at] = (this.#words[at] ?? 0) ^ (1 << (slot & 31));
    this.#count += member ? 1 : -1;
  }

  /** Every member, in order of the slots. */
  slots(): Uint32Array {
    const found = new Uint32Array(this.#count);
    let n = 0;
    this.#words.forEach((word, at) => {
      for (let rest = word; rest !== 0; rest &= rest - 1) found[n++] = at * 32 + 31 - Math.clz32(rest & -rest);
    });
    return found;
  }

  /** Keeps what is in the other as well. */
  keep(other: SlotSet): void {
    this.#combine(other, (mine, theirs) => mine & theirs);
  }

  addAll(other: SlotSet): void {
    this.#combine(other, (mine, theirs) => mine | theirs);
  }

  /** Takes out what is in the other. */
  removeAll(other: SlotSet): void {
    this.#combine(other, (mine, theirs) => mine & ~theirs);
  }

  /** Both are of the same number of slots. */
  #combine(other: SlotSet, rule: (mine: number, theirs: number) => number): void {
    let count = 0;
    this.#words.forEach((word, at) => {
      const result = rule(word, other.#words[at] ?? 0);
      this.#words[at] = result;
      count += bits(result);
    });
    this.#count = count;
  }
}

function bits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
