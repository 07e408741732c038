import type { Interval } from '../metrics/bootstrap.js';
import { aligned, percent, signed } from '../evaluate/table.js';
import type { ComparisonReport } from './compare-types.js';

const span = ([low, high]: Interval): string => `${signed(low)} … ${signed(high)}`;
/** Classes or groups shown on each side. */
const shown = 5;

function differing({ perClass, a, b }: ComparisonReport): string[] {
  const gap = (row: ComparisonReport['perClass'][number]): number => (row.a['map@r'] ?? NaN) - (row.b['map@r'] ?? NaN);
  const sorted = [...perClass].filter((row) => gap(row) !== 0).sort((x, y) => gap(y) - gap(x));
  const side = (title: string, rows: ComparisonReport['perClass']): string[] => {
    if (rows.length === 0) return [];
    const cells = rows.map((row) => [
      row.class,
      String(row.queries),
      percent(row.a['map@r'] ?? NaN),
      percent(row.b['map@r'] ?? NaN),
      signed(gap(row)),
    ]);
    return ['', ...aligned([[title, 'queries', 'A', 'B', 'A − B'], ...cells])];
  };
  const better = sorted.filter((row) => gap(row) > 0).slice(0, shown);
  const worse = sorted.filter((row) => gap(row) < 0).slice(-shown).reverse(); // prettier-ignore
  return [
    ...side(`classes best for A (${a.name}), MAP@R`, better),
    ...side(`classes best for B (${b.name}), MAP@R`, worse),
  ];
}

function grouped({ perGroup }: ComparisonReport): string[] {
  if (!perGroup) return [];
  const change = (group: (typeof perGroup.groups)[number]): number => group.difference['map@r']?.value ?? NaN;
  const sorted = [...perGroup.groups].sort((x, y) => Math.abs(change(y)) - Math.abs(change(x)));
  const rows = sorted.slice(0, 2 * shown).map((group) => {
    const { value, byClass } = group.difference['map@r'] ?? { value: NaN, byClass: [NaN, NaN] as const };
    const recall = group.difference['recall@1']?.value ?? NaN;
    return [
      group.value,
      String(group.queries),
      signed(recall),
      signed(value),
      group.classes < 2 ? 'one class' : span(byClass),
    ];
  });
  const more = perGroup.groups.length - rows.length;
  return [
    '',
    ...aligned([[`by ${perGroup.field}, A − B`, 'queries', 'R@1', 'MAP@R', '95 % over classes'], ...rows]),
    ...(more > 0 ? [`and ${more} more: see --json`] : []),
  ];
}

/** The comparison for people: percentages, and differences in points. */
export function formatComparison(report: ComparisonReport): string {
  const { a, b, difference, queryWins, classWins } = report;
  const rows = Object.entries(difference).map(([name, { value, byClass, byQuery }]) => [
    name,
    percent(a.scores[name] ?? NaN),
    percent(b.scores[name] ?? NaN),
    signed(value),
    span(byClass),
    span(byQuery),
  ]);
  const wins = ['recall@1', 'map@r'].flatMap((name) => {
    const [queries, classes] = [queryWins[name], classWins[name]];
    if (!queries || !classes) return [];
    const text = ({ a: won, b: lost, same }: typeof queries): string => `A ${won}, B ${lost}, equal ${same}`;
    return [`  ${name}: queries ${text(queries)}; classes ${text(classes)}`];
  });
  return [
    `A: ${a.name} (${a.dimension} numbers, ${a.fingerprint.slice(0, 12)})`,
    `B: ${b.name} (${b.dimension} numbers, ${b.fingerprint.slice(0, 12)})`,
    `${report.dataset.name}, split ${report.split}: ${report.queries} queries of ${report.classes} classes among ${report.images} images`,
    ...(report.leftOut > 0 ? [`  ${report.leftOut} alone in their class (searched, but no queries)`] : []),
    ...(report.skipped > 0 ? [`  ${report.skipped} unreadable, skipped`] : []),
    ...report.notes.map((note) => `  ${note}`),
    '',
    ...aligned([['%', 'A', 'B', 'A − B', '95 % over classes', '95 % over queries'], ...rows]),
    '',
    'Higher for',
    ...wins,
    ...differing(report),
    ...grouped(report),
    '',
    report.verdict,
  ].join('\n');
}
