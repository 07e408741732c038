import type { Neighbourhood } from './neighbourhood.js';

/** An item whose neighbours agree on another label than its own. */
export interface Suspect {
  /** Position of the item. */
  readonly item: number;
  /** The label that its neighbours agree on. */
  readonly suggested: string;
  /** Weight of the suggested label among the neighbours less that of its own: `leastConfidence` … 1. */
  readonly confidence: number;
  /** Positions of the neighbours that voted, nearest first. */
  readonly neighbours: readonly number[];
}

/** Suspects below are not named; measured in docs/audit.md. */
export const leastConfidence = 0.6;

/** Fewer labelled neighbours than this are no evidence. */
const leastVoters = 3;

/**
 * Items likely mislabelled, most confident first. The nearest labelled others vote with weight exp(−d / mean d). Copies of an
 * item under its own label have no vote: whoever gave the one a wrong label gave it to the other.
 * @param copies whether two items show the same picture
 */
export function findMislabelled(
  { items, k, indices, distances }: Neighbourhood,
  copies: (a: number, b: number) => boolean,
): Suspect[] {
  const suspects = items.flatMap(({ label }, item): Suspect[] => {
    if (label === null) return [];
    const voters = Array.from(indices.subarray(item * k, (item + 1) * k), (position, place) => ({
      position,
      label: items[position]?.label ?? null,
      distance: distances[item * k + place] ?? Infinity,
    })).filter((voter) => voter.label !== null && !(voter.label === label && copies(item, voter.position)));
    if (voters.length < leastVoters) return [];
    const scale = voters.reduce((sum, { distance }) => sum + distance, 0) / voters.length;
    const votes = new Map<string, number>();
    let total = 0;
    for (const voter of voters) {
      const weight = scale === 0 ? 1 : Math.exp(-voter.distance / scale);
      votes.set(voter.label ?? '', (votes.get(voter.label ?? '') ?? 0) + weight);
      total += weight;
    }
    const own = votes.get(label) ?? 0;
    votes.delete(label);
    // Of equal ones the label first met, which is that of the nearest neighbour.
    const [suggested, most] = [...votes].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
    const confidence = (most - own) / total;
    if (confidence < leastConfidence) return [];
    return [{ item, suggested, confidence, neighbours: voters.map(({ position }) => position) }];
  });
  return suspects.sort((a, b) => b.confidence - a.confidence || a.item - b.item);
}
