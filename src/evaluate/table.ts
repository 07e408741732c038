import type { Interval } from '../metrics/bootstrap.js';
import type { DensitySummary } from '../metrics/density.js';
import { formatVerdict } from './audit/protocol-table.js';
import type { EvaluationReport } from './report.js';

/** 0.745 → 74.5 */
export const percent = (value: number): string => (100 * value).toFixed(1);

/** A difference of two shares in points, with its sign: 0.014 → +1.4. */
export function signed(value: number): string {
  const text = percent(Math.abs(value));
  return `${text === '0.0' ? '±' : value < 0 ? '−' : '+'}${text}`;
}

/** Columns padded to the widest cell; the first to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}

const titles: Readonly<Record<string, string>> = {
  'r-precision': 'R-precision',
  'map@r': 'MAP@R',
  map: 'mAP',
  mrr: 'MRR',
  nmi: 'NMI',
  ami: 'AMI',
  f1: 'F1',
};

/** recall@1 → Recall@1, precision@1 → P@1 */
function title(measure: string): string {
  return titles[measure] ?? measure.replace(/^recall/, 'Recall').replace(/^precision/, 'P');
}

function densityLine(name: string, density: DensitySummary | null | undefined): string[] {
  if (!density) return [];
  const { p10, median, p90 } = density.ratio;
  return [`  ${name}: ${median.toFixed(2)} (${p10.toFixed(2)} … ${p90.toFixed(2)})`];
}

function shortList(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}

function clusteringLine({ untrained, clustering }: EvaluationReport): string[] {
  const note = clustering?.model ?? clustering?.untrained;
  if (!note || !['nmi', 'ami', 'f1'].some((name) => name in untrained)) return [];
  const rounds = note.converged ? `${note.rounds} rounds` : `stopped after ${note.rounds} rounds`;
  return ['', `NMI, AMI, F1: of k-means with ${note.k} clusters, one for each class (seed ${note.seed}, ${rounds}).`];
}

function cmcLines({ cmc }: EvaluationReport): string[] {
  if (!cmc) return [];
  const sides = Object.entries(cmc);
  const ranks = [1, 5, 10, 20, 50];
  const rows = sides.map(([name, curve]) => [name, ...ranks.map((rank) => percent(curve[rank - 1] ?? NaN))]);
  return ['', ...aligned([['CMC, % found by rank', ...ranks.map(String)], ...rows])];
}

const groupsShown = 20;

/** The first measures of each group; JSON has them all. */
function groupLines({ perGroup }: EvaluationReport): string[] {
  if (!perGroup) return [];
  const { field, groups } = perGroup;
  const names = Object.keys(groups[0]?.untrained ?? {}).filter((name) => name === 'recall@1' || name === 'map@r');
  const sides = ['model', 'untrained'] as const;
  const columns = sides.flatMap((side) =>
    groups[0]?.[side] ? names.map((name) => ({ side, name, head: `${title(name)} ${side}` })) : [],
  );
  const rows = groups
    .slice(0, groupsShown)
    .map((group) => [
      group.value,
      String(group.queries),
      ...columns.map(({ side, name }) => percent(group[side]?.[name] ?? NaN)),
    ]);
  const more = groups.length > groupsShown ? [`and ${groups.length - groupsShown} more: see --json`] : [];
  return ['', ...aligned([[`by ${field}`, 'queries', ...columns.map(({ head }) => head)], ...rows]), ...more];
}

/** The report for people: percentages, and differences in points. */
export function formatReport(report: EvaluationReport): string {
  const { model, difference, intervals, zeroShot } = report;
  const span = (interval: Interval | undefined, format: (value: number) => string): string =>
    interval ? `${format(interval[0])} … ${format(interval[1])}` : '';
  const names = Object.keys(report.untrained);
  const header = model
    ? ['%', 'model', 'untrained', 'difference', '95 % interval']
    : ['%', 'untrained', '95 % interval'];
  const rows = names.map((name) => {
    const untrained = percent(report.untrained[name] ?? NaN);
    if (!model) return [title(name), untrained, span(intervals.untrained[name], percent)];
    const interval = span(intervals.difference?.[name], signed);
    return [title(name), percent(model[name] ?? NaN), untrained, signed(difference?.[name] ?? NaN), interval];
  });
  const { leftOut, classesLeftOut, skipped, roles } = report;
  const why = roles ? 'without a picture of their class in the gallery (no queries)' : 'alone in their class (searched, but no queries)'; // prettier-ignore
  const notes = [
    ...(leftOut > 0 ? [`${leftOut} ${why}${roles ? `: ${shortList(classesLeftOut)}` : ''}`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} unreadable, skipped`] : []),
  ];
  const searched = roles ? `a gallery of ${roles.gallery}` : `${report.images} images`;
  const lines = [
    `${report.dataset.name}, split ${report.split}: ${report.queries} queries of ${report.classes} classes among ${searched}`,
    ...notes.map((note) => `  ${note}`),
    ...(zeroShot ? [`  zero-shot ${zeroShot.verified ? 'verified' : 'NOT VERIFIED'}: ${zeroShot.reason}`] : []),
    '',
    ...aligned([header, ...rows]),
    ...clusteringLine(report),
    ...cmcLines(report),
    ...groupLines(report),
    '',
    'Spread of a class over its distance to the nearest others, median (10th … 90th percentile of classes):',
    ...densityLine('model', report.density.model),
    ...densityLine('untrained', report.density.untrained),
    ...(report.protocol ? ['', ...formatVerdict(report.protocol, 2)] : []),
  ];
  return lines.join('\n');
}
