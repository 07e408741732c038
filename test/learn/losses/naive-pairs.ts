import { createRandom, type Random } from '../../../src/core/random.js';
import { dot, gated, type NaiveInput, type NaiveLoss, row, squared, unit } from './naive.js';

/**
 * The losses over pairs of docs/losses.md as plain loops in double precision. An anchor's candidates are the other images of
 * the batch, then what the cross-batch memory holds (`past`, which stands still).
 */
interface Anchor {
  readonly c: number;
  /** Current similarity, the one at the frozen rows, and the one that counts for the value and the gradient. */
  readonly positives: readonly Pair[];
  readonly negatives: readonly Pair[];
}
interface Pair {
  readonly s: number;
  readonly s0: number;
  /** w·s + (1 − w)·stopgrad(s) for a positive; s for a negative. */
  readonly counted: number;
}

export function anchorsOf({ rows, k, weights, frozen, past }: NaiveInput): Anchor[] {
  const z = unit(rows);
  const z0 = frozen ? unit(frozen) : z;
  const candidates = [
    ...z.map((now, j) => ({ now, then: row(z0, j), c: Math.floor(j / k), j })),
    ...(past ?? []).map(({ row: now, c }) => ({ now, then: now, c, j: -1 })),
  ];
  return z.map((anchor, a) => {
    const c = Math.floor(a / k);
    const pairs = candidates
      .filter(({ j }) => j !== a)
      .map((other) => {
        const [s, s0] = [dot(anchor, other.now), dot(row(z0, a), other.then)];
        const same = other.c === c;
        return { same, s, s0, counted: same ? gated(s, s0, weights?.[c] ?? 1) : s };
      });
    return { c, positives: pairs.filter(({ same }) => same), negatives: pairs.filter(({ same }) => !same) };
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** Multi-similarity's own mining, from the similarities at the frozen rows. */
function minedAnchor({ c, positives, negatives }: Anchor): Anchor {
  const leastPositive = Math.min(...positives.map(({ s0 }) => s0));
  const mostNegative = Math.max(...negatives.map(({ s0 }) => s0));
  return {
    c,
    positives: positives.filter(({ s0 }) => s0 < mostNegative + 0.1),
    negatives: negatives.filter(({ s0 }) => s0 > leastPositive - 0.1),
  };
}

export function naiveMultiSimilarity(alpha: number, beta: number, base: number, mining: boolean): NaiveLoss {
  return (input) => {
    const anchors = mining ? anchorsOf(input).map(minedAnchor) : anchorsOf(input);
    return mean(
      anchors.map(({ positives, negatives }) => {
        const pull = Math.log(1 + sum(positives.map(({ counted }) => Math.exp(-alpha * (counted - base))))) / alpha;
        return pull + Math.log(1 + sum(negatives.map(({ counted }) => Math.exp(beta * (counted - base))))) / beta;
      }),
    );
  };
}

export function naiveSupcon(temperature: number): NaiveLoss {
  return (input) =>
    mean(
      anchorsOf(input).map(({ positives, negatives }) => {
        const total = sum([...positives, ...negatives].map(({ counted }) => Math.exp(counted / temperature)));
        return mean(positives.map(({ counted }) => -Math.log(Math.exp(counted / temperature) / total)));
      }),
    );
}

export function naiveCircle(m: number, gamma: number): NaiveLoss {
  return (input) =>
    mean(
      anchorsOf(input).map(({ positives, negatives }) => {
        // The weights α are taken at the frozen rows.
        const p = positives.map(({ counted, s0 }) => -gamma * Math.max(0, 1 + m - s0) * (counted - (1 - m)));
        const n = negatives.map(({ counted, s0 }) => gamma * Math.max(0, s0 + m) * (counted - m));
        const [mostP, mostN] = [Math.max(...p), Math.max(...n)];
        const both =
          mostP +
          Math.log(sum(p.map((x) => Math.exp(x - mostP)))) +
          mostN +
          Math.log(sum(n.map((x) => Math.exp(x - mostN))));
        return both > 30 ? both : Math.log(1 + Math.exp(both));
      }),
    );
}

export type NaiveDistance = 'euclidean' | 'squared' | 'cosine';
/** From the cosine similarity of unit vectors. */
export function distanceFrom(name: NaiveDistance, s: number): number {
  if (name === 'cosine') return 1 - s;
  return name === 'squared' ? 2 - 2 * s : Math.sqrt(2 - 2 * s + 1e-8);
}

export function naiveLifted(m: number, scale: number, distance: NaiveDistance): NaiveLoss {
  return (input) =>
    mean(
      anchorsOf(input).map(({ c, positives, negatives }) => {
        const w = input.weights?.[c] ?? 1;
        const far = positives.map(({ s, s0 }) => gated(distanceFrom(distance, s), distanceFrom(distance, s0), w));
        const near = negatives.map(({ s }) => distanceFrom(distance, s));
        const pull = Math.log(sum(far.map((d) => Math.exp(scale * d)))) / scale;
        return Math.max(0, pull + Math.log(sum(near.map((d) => Math.exp(scale * (m - d))))) / scale);
      }),
    );
}

export function naiveProxyAnchor(alpha: number, margin: number): NaiveLoss {
  return ({ rows, m, k, weights, frozen, own, classes }) => {
    const [z, z0] = [unit(rows), unit(frozen ?? rows)];
    const proxies = unit(own ?? []);
    const proxies0 = unit(own ?? []);
    let [pull, push] = [0, 0];
    proxies.forEach((proxy, p) => {
      let [towards, away] = [1, 1];
      z.forEach((x, i) => {
        const c = Math.floor(i / k);
        const s = dot(x, proxy);
        if ((classes?.[c] ?? c) === p) {
          const counted = gated(s, dot(row(z0, i), row(proxies0, p)), weights?.[c] ?? 1);
          towards += Math.exp(-alpha * (counted - margin));
        } else away += Math.exp(alpha * (s + margin));
      });
      pull += Math.log(towards);
      push += Math.log(away);
    });
    return pull / m + push / proxies.length;
  };
}

/** A choice of the distance-weighted miner for one pair, with its draws in the order of the candidates. */
export function naiveDistanceWeighted(
  d2: readonly number[],
  isNegative: readonly boolean[],
  dim: number,
  random: Random,
): number {
  const noise = d2.map(() => -Math.log(1e-12 - Math.log(1e-12 + random())));
  const logWeight = (value: number): number => {
    const d = Math.max(0.5, Math.sqrt(value));
    return -((dim - 2) * Math.log(d) + ((dim - 3) / 2) * Math.log(1 - (d * d) / 4));
  };
  const negatives = d2.map((_, i) => i).filter((i) => isNegative[i]);
  const near = negatives.filter((i) => Math.sqrt(d2[i] ?? 0) < 1.4);
  const score = (i: number): number => (near.length > 0 ? logWeight(d2[i] ?? 0) : 0) + (noise[i] ?? 0);
  return (near.length > 0 ? near : negatives).reduce((best, i) => (score(i) > score(best) ? i : best));
}

export const firstDraws = (): Random => createRandom('loss', 0, 0);

export function naiveContrastive(
  margin: number,
  positiveWeight: number,
  distance: NaiveDistance = 'euclidean',
): NaiveLoss {
  return (input) => {
    const anchors = anchorsOf(input);
    const positives = anchors.flatMap(({ c, positives: own }) =>
      own.map(({ s }) => positiveWeight * (input.weights?.[c] ?? 1) * distanceFrom(distance, s) ** 2),
    );
    const inside = anchors
      .flatMap(({ negatives }) => negatives.map(({ s }) => margin - distanceFrom(distance, s)))
      .filter((value) => value > 0);
    return mean(positives) + sum(inside.map((value) => value ** 2)) / Math.max(1, inside.length);
  };
}

type NaiveMiner = 'semi-hard' | 'hard' | 'all' | 'distance-weighted';

export function naiveTriplet(margin: number, miner: NaiveMiner, distance: NaiveDistance = 'squared'): NaiveLoss {
  return (input) => {
    const { rows, k, weights } = input;
    const random = firstDraws();
    const sums: number[] = [];
    const inBatch = anchorsOf({ ...input, past: [] });
    anchorsOf(input).forEach(({ c, negatives: pairs }, a) => {
      const negatives = pairs.map(({ s }) => distanceFrom(distance, s));
      for (const { s, s0 } of inBatch[a]?.positives ?? []) {
        const now = distanceFrom(distance, s);
        const toPositive = gated(now, distanceFrom(distance, s0), weights?.[c] ?? 1);
        const violation = (d: number): number => Math.max(0, toPositive - d + margin);
        const farther = negatives.filter((d) => d > now);
        if (miner === 'all') sums.push(...negatives.map(violation).filter((value) => value > 0));
        else if (miner === 'hard') sums.push(violation(Math.min(...negatives)));
        else if (miner === 'semi-hard')
          sums.push(violation(farther.length > 0 ? Math.min(...farther) : Math.max(...negatives)));
        else {
          // Every image of the batch draws, and what was frozen decides.
          const z0 = unit(input.frozen ?? rows);
          const all = [...z0, ...(input.past ?? []).map((past) => past.row)];
          const classes = [...z0.map((_, j) => Math.floor(j / k)), ...(input.past ?? []).map((past) => past.c)];
          const d2 = all.map((other) => squared(row(z0, a), other));
          const isNegative = classes.map((other) => other !== c);
          const drawn = naiveDistanceWeighted(d2, isNegative, all[0]?.length ?? 0, random);
          sums.push(violation(negatives[isNegative.slice(0, drawn).filter(Boolean).length] ?? NaN));
        }
      }
    });
    return sum(sums) / Math.max(1, sums.length);
  };
}
