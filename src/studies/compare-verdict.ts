import type { MeasureDifference, MeasuredModel } from './compare-types.js';

/** What a reader of the comparison has to bear in mind. */
export function notesOn(a: MeasuredModel, b: MeasuredModel): string[] {
  const unverified = [a, b].filter(({ zeroShot }) => !zeroShot.verified);
  return [
    ...(a.evaluation.fingerprint === b.evaluation.fingerprint
      ? ['Both are the same model: equal fingerprints give equal embeddings.']
      : []),
    ...unverified.map(({ name, zeroShot }) => `Not known to be new to ${name}: ${zeroShot.reason}.`),
    ...(unverified.length === 1
      ? ['One side may have learned these very classes: a difference may come from that.']
      : []),
  ];
}

/** Which side the interval is on: neither while it holds 0. */
function sideOf({ byClass: [low, high] }: MeasureDifference): 'a' | 'b' | null {
  return low > 0 ? 'a' : high < 0 ? 'b' : null;
}

/** Fewer say nothing about other classes: with one, the interval is a point. */
const fewestClasses = 5;

/** One sentence on R@1 and MAP@R, from the intervals over classes. */
export function verdictOf(
  difference: Readonly<Record<string, MeasureDifference>>,
  classes: number,
  names: Readonly<Record<'a' | 'b', string>>,
): string {
  if (classes < fewestClasses) {
    return `${classes} classes are too few to judge by: an interval over classes says nothing below ${fewestClasses}.`;
  }
  const judged = [
    ['R@1', difference['recall@1']],
    ['MAP@R', difference['map@r']],
  ] as const;
  const found = judged.flatMap(([measure, change]) => (change ? [{ measure, side: sideOf(change) }] : []));
  const better = (side: 'a' | 'b'): string[] => found.flatMap((one) => (one.side === side ? [one.measure] : []));
  const open = found.flatMap(({ measure, side }) => (side === null ? [measure] : []));
  const parts = (['a', 'b'] as const).flatMap((side) =>
    better(side).length > 0 ? [`${names[side]} is better in ${better(side).join(' and ')}`] : [],
  );
  if (parts.length === 0) return `No difference is shown in ${open.join(' or ')}: the intervals over classes hold 0.`;
  const rest = open.length > 0 ? `; in ${open.join(' and ')} no difference is shown` : '';
  return `${parts.join(', ')}: the interval over classes leaves out 0${rest}.`;
}
