import type { ProtocolVerdict } from './protocol.js';
import type { CheckOutcome } from './protocol-check.js';

const marks: Readonly<Record<CheckOutcome, string>> = {
  passed: 'passed',
  finding: 'FINDING',
  note: 'note',
  unknown: 'not checked',
};

/** The verdict in one line: what was found counts, and what could not be checked is told. */
export function verdictLine({ verdict, checks }: ProtocolVerdict): string {
  const of = (outcome: CheckOutcome): number => checks.filter((one) => one.outcome === outcome).length;
  const [findings, unknown] = [of('finding'), of('unknown')];
  const reservation = unknown > 0 ? `, ${unknown} not checked` : '';
  return verdict === 'sound'
    ? `Protocol: sound (${of('passed')} checks passed${reservation})`
    : `Protocol: WITH FINDINGS (${findings} of ${checks.length} checks${reservation})`;
}

/** The verdict, every check that did not simply pass (or all), and the first `limit` pieces of evidence of each. */
export function formatVerdict(verdict: ProtocolVerdict, limit: number, all = false): string[] {
  const shown = verdict.checks.filter(({ outcome }) => all || outcome !== 'passed');
  return [
    verdictLine(verdict),
    ...shown.flatMap(({ outcome, says, evidence, count }) => [
      `  ${marks[outcome]}: ${says}`,
      ...evidence.slice(0, limit).map((text) => `    ${text}`),
      ...(count > limit && limit > 0 ? [`    … and ${count - Math.min(limit, evidence.length)} more`] : []),
    ]),
  ];
}
