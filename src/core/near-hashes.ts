/** 64-bit hashes, two words each: hash i is words[2i], words[2i + 1]. */
export type Hashes = Uint32Array;

const bands = 4;
const bandValues = 65_536;

/** @param texts 16 hexadecimal digits each */
export function hashesOf(texts: readonly string[]): Hashes {
  const words = new Uint32Array(texts.length * 2);
  texts.forEach((text, i) => {
    words[2 * i] = Number.parseInt(text.slice(0, 8), 16);
    words[2 * i + 1] = Number.parseInt(text.slice(8, 16), 16);
  });
  return words;
}

function bitsOf(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Bits in which hashes i and j differ, 0 … 64. */
export function hammingDistance(words: Hashes, i: number, j: number): number {
  return bitsOf((words[2 * i] ?? 0) ^ (words[2 * j] ?? 0)) + bitsOf((words[2 * i + 1] ?? 0) ^ (words[2 * j + 1] ?? 0));
}

const bandOf = (words: Hashes, i: number, band: number): number =>
  ((words[2 * i + (band >> 1)] ?? 0) >>> (16 * (band & 1))) & 0xffff;

/** Every 16-bit mask with at most `bits` bits set. */
function masks(bits: number): number[] {
  return Array.from({ length: bandValues }, (_, mask) => mask).filter((mask) => bitsOf(mask) <= bits);
}

/** Hashes by the value of one band: those with value v are order[starts[v]] … order[starts[v + 1] − 1], ascending. */
function groupByBand(words: Hashes, count: number, band: number): { starts: Int32Array; order: Int32Array } {
  const starts = new Int32Array(bandValues + 1);
  for (let i = 0; i < count; i++) {
    const at = bandOf(words, i, band) + 1;
    starts[at] = (starts[at] ?? 0) + 1;
  }
  for (let v = 1; v <= bandValues; v++) starts[v] = (starts[v] ?? 0) + (starts[v - 1] ?? 0);
  const next = starts.slice();
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = bandOf(words, i, band);
    const place = next[value] ?? 0;
    order[place] = i;
    next[value] = place + 1;
  }
  return { starts, order };
}

export interface NearPair {
  /** i < j */
  readonly i: number;
  readonly j: number;
  /** Bits in which the hashes differ. */
  readonly distance: number;
}

/** Hashes looked up between two nulls: a millisecond or so. */
const hashesPerTurn = 256;

/**
 * Every pair of hashes that differ in at most `radius` bits, each once; null now and then, so that the caller may let
 * others have the thread. Of two such hashes, one of the four 16-bit bands differs in at most radius / 4 bits, so only
 * hashes that share such a band are compared: seconds for 100,000 of them, where all pairs are 5 · 10⁹ (M. Norouzi,
 * A. Punjani, D. Fleet: Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012).
 * @param radius 0 … 15
 */
export function* nearPairs(words: Hashes, radius: number): Generator<NearPair | null> {
  if (!Number.isInteger(radius) || radius < 0 || radius > 15) throw new RangeError(`radius must be 0 … 15: ${radius}`);
  const count = words.length / 2;
  const bandRadius = Math.floor(radius / bands);
  const probes = masks(bandRadius);
  for (let band = 0; band < bands; band++) {
    const { starts, order } = groupByBand(words, count, band);
    for (let i = 0; i < count; i++) {
      if (i % hashesPerTurn === 0) yield null;
      const value = bandOf(words, i, band);
      for (const mask of probes) {
        const end = starts[(value ^ mask) + 1] ?? 0;
        for (let at = starts[value ^ mask] ?? 0; at < end; at++) {
          const j = order[at] ?? 0;
          if (j <= i) continue;
          const distance = hammingDistance(words, i, j);
          if (distance <= radius && !foundEarlier(words, i, j, band, bandRadius)) yield { i, j, distance };
        }
      }
    }
  }
}

function foundEarlier(words: Hashes, i: number, j: number, band: number, bandRadius: number): boolean {
  for (let before = 0; before < band; before++) {
    if (bitsOf(bandOf(words, i, before) ^ bandOf(words, j, before)) <= bandRadius) return true;
  }
  return false;
}
