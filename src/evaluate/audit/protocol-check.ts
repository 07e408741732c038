/** 'finding': results are worth less for it. 'note': worth knowing. 'unknown': could not be checked. */
export type CheckOutcome = 'passed' | 'finding' | 'note' | 'unknown';

export interface ProtocolCheck {
  readonly name: string;
  readonly outcome: CheckOutcome;
  /** One sentence. */
  readonly says: string;
  /** The first of them, one a line; `count` has the number of all. */
  readonly evidence: readonly string[];
  readonly count: number;
}

const shownEvidence = 20;

export const check = (
  name: string,
  outcome: CheckOutcome,
  says: string,
  evidence: readonly string[] = [],
): ProtocolCheck => ({
  name,
  outcome,
  says,
  evidence: evidence.slice(0, shownEvidence),
  count: evidence.length,
});
