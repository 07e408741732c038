import type { Interval } from '../metrics/bootstrap.js';
import type { DensitySummary } from '../metrics/density.js';
import type { EvaluationReport } from './report.js';

const percent = (value: number): string => (100 * value).toFixed(1);

function signed(value: number): string {
  const text = percent(Math.abs(value));
  return `${text === '0.0' ? '±' : value < 0 ? '−' : '+'}${text}`;
}

/** Columns padded to the widest cell; the first to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}

/** recall@1 → Recall@1 */
function title(measure: string): string {
  const known: Readonly<Record<string, string>> = { 'r-precision': 'R-precision', 'map@r': 'MAP@R', mrr: 'MRR' };
  return known[measure] ?? measure.replace(/^recall/, 'Recall');
}

function densityLine(name: string, density: DensitySummary | null | undefined): string[] {
  if (!density) return [];
  const { p10, median, p90 } = density.ratio;
  return [`  ${name}: ${median.toFixed(2)} (${p10.toFixed(2)} … ${p90.toFixed(2)})`];
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
  const notes = [
    ...(report.leftOut > 0 ? [`${report.leftOut} alone in their class (searched, but no queries)`] : []),
    ...(report.skipped.length > 0 ? [`${report.skipped.length} unreadable, skipped`] : []),
  ];
  const lines = [
    `${report.dataset.name}, split ${report.split}: ${report.queries} queries of ${report.classes} classes among ${report.images} images`,
    ...notes.map((note) => `  ${note}`),
    ...(zeroShot ? [`  zero-shot ${zeroShot.verified ? 'verified' : 'NOT VERIFIED'}: ${zeroShot.reason}`] : []),
    '',
    ...aligned([header, ...rows]),
    '',
    'Spread of a class over its distance to the nearest others, median (10th … 90th percentile of classes):',
    ...densityLine('model', report.density.model),
    ...densityLine('untrained', report.density.untrained),
  ];
  return lines.join('\n');
}
