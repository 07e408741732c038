import { createRandom, shuffled } from '../core/random.js';

/** Deals hands of cards 0 … count − 1; every card comes once per pass before any comes again. */
export interface Deck {
  /** The cards of hand number `index` (0, 1, 2 …): the same ones whatever was asked before. */
  hand(index: number): readonly number[];
}

/** A pass whose first `fresh` cards are not in `avoid`, so that a hand across two passes holds no card twice. */
function reordered(order: readonly number[], fresh: number, avoid: ReadonlySet<number>): number[] {
  const first = order.filter((card) => !avoid.has(card)).slice(0, fresh);
  const taken = new Set(first);
  return [...first, ...order.filter((card) => !taken.has(card))];
}

/**
 * A shuffled deck. With `size` ≤ `count` the cards of a hand differ from each other; with fewer cards than that, all
 * of them come equally often.
 * @param seed one seed gives one order of dealing, everywhere
 */
export function createDeck(count: number, size: number, ...seed: readonly (number | string)[]): Deck {
  let pass = -1;
  let current: readonly number[] = [];
  let previous: readonly number[] = [];
  const cards = Array.from({ length: count }, (_, index) => index);
  // Each pass depends on the one before it: asking for an earlier one starts over, which is cheap.
  const goTo = (wanted: number): void => {
    if (wanted < pass - 1) [pass, current, previous] = [-1, [], []];
    while (pass < wanted) {
      pass++;
      previous = current;
      const order = shuffled(cards, createRandom(...seed, pass));
      const left = (pass * count) % size;
      current =
        size > count || left === 0 ? order : reordered(order, size - left, new Set(previous.slice(count - left)));
    }
  };
  const card = (position: number): number => {
    const wanted = Math.floor(position / count);
    goTo(wanted);
    return (wanted === pass ? current : previous)[position % count] ?? 0;
  };
  return { hand: (index) => Array.from({ length: size }, (_, offset) => card(index * size + offset)) };
}
