import { KindredError } from './errors.js';

/** Edits between two short words: a letter inserted, left out or replaced, or two neighbours swapped. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  let beforePrevious = previous;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? (beforePrevious[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min(substitution, swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [beforePrevious, previous] = [previous, row];
  }
  return previous[b.length] ?? 0;
}

/** The known word closest to `word`, or undefined when none is close enough to be a slip of the fingers. */
export function closest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  const prefix = [...known].find((candidate) => word.length > 2 && candidate.startsWith(word));
  return bestDistance <= Math.max(1, Math.floor(word.length / 3)) ? best : prefix;
}

/** The error for a name that is not in a set of known ones: names them all and the closest. */
export function unknownName(kind: string, word: string, known: readonly string[], field?: string): KindredError {
  const near = closest(word, known);
  return new KindredError('unknown-name', `unknown ${kind} "${word}"${near ? ` (did you mean "${near}"?)` : ''}`, {
    hint: `Known: ${known.join(', ')}.`,
    field,
  });
}

export interface Registry<T> {
  readonly names: readonly string[];
  /** @throws KindredError unknown-name, naming the known ones and the closest. */
  get(name: string): T;
}

/** A small map from name to implementation; the lookup names the known keys when the name is unknown. */
export function createRegistry<T>(kind: string, entries: Readonly<Record<string, T>>): Registry<T> {
  const map = new Map(Object.entries(entries));
  const names = [...map.keys()];
  return {
    names,
    get(name) {
      const found = map.get(name);
      if (found === undefined) throw unknownName(kind, name, names);
      return found;
    },
  };
}
