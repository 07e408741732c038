import { percent, signed } from '../../evaluate/table.js';
import { studySummary } from './study.js';
import {
  comparedMeasures,
  isBeyond,
  type ArmDifference,
  type ArmSummary,
  type Checkpoint,
  type Spread,
  type StudySummary,
  type SummarizedRun,
} from './types.js';

const none = '–';
type Row = readonly string[];

function table(header: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`;
  const rule = header.map((name, index) => (index < 2 || name.startsWith('best') ? '---' : '---:'));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

function spread(value: Spread | undefined, format: (value: number) => string): string {
  if (!value) return none;
  return Number.isNaN(value.standardDeviation)
    ? format(value.mean)
    : `${format(value.mean)} ± ${format(value.standardDeviation)}`;
}

/** The difference with its interval, and over how many pairs where those are not all of the arm's runs. */
function difference(value: ArmDifference | null, seeds: number): string {
  if (!value) return none;
  const [low, high] = value.interval;
  const interval = Number.isNaN(low) ? '' : ` (${signed(low)} … ${signed(high)})`;
  return `${signed(value.mean)}${interval}${value.n === seeds ? '' : `, ${value.n} pairs`}`;
}

function probability(p: number | undefined): string {
  if (p === undefined || Number.isNaN(p)) return none;
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

const ratio = (value: number): string => value.toFixed(2);

function measured({ arm, role, seeds, spread: spreads, toBaseline }: ArmSummary, checkpoint: Checkpoint): string[] {
  const numbers = spreads[checkpoint];
  return [
    role === 'arm' ? arm : `${arm} (${role})`,
    String(seeds.length),
    ...comparedMeasures.flatMap((measure) => {
      const change = toBaseline[checkpoint][measure];
      return [
        spread(numbers[measure], percent),
        difference(change, seeds.length),
        probability(change?.p),
        probability(change?.holmP),
      ];
    }),
  ];
}

const measureColumns = ['R@1', 'to the baseline', 'p', 'Holm', 'MAP@R', 'to the baseline', 'p', 'Holm'];

function finalTable({ cells }: StudySummary): string {
  const rows = cells.flatMap(({ cell, arms }) =>
    arms.map((arm) => {
      const { final } = arm.spread;
      const extra = [spread(final['train.recall@1'], percent), gap(arm), spread(final['spread-to-gap'], ratio)];
      return [cell, ...measured(arm, 'final'), ...extra];
    }),
  );
  return table(['cell', 'arm', 'n', ...measureColumns, 'train R@1', 'gap', 'v/D'], rows);
}

/** How much better the classes that were trained on retrieve: points of R@1. */
function gap({ spread: { final } }: ArmSummary): string {
  const [train, test] = [final['train.recall@1'], final['recall@1']];
  return train && test ? signed(train.mean - test.mean) : none;
}

function selectedTable({ cells }: StudySummary): string {
  const rows = cells.flatMap(({ cell, arms }) =>
    arms.map((arm) => [
      cell,
      ...measured(arm, 'selected'),
      spread(arm.spread.selected['step'], (value) => value.toFixed(0)),
    ]),
  );
  return table(['cell', 'arm', 'n', ...measureColumns, 'step'], rows);
}

function verdicts({ cells }: StudySummary, checkpoint: Checkpoint): string | null {
  const rows = cells.flatMap(({ cell, arms }) =>
    arms
      .filter(({ role }) => role === 'arm')
      .map((arm) => [
        cell,
        arm.arm,
        ...comparedMeasures.flatMap((measure) => {
          const change = arm.toBestControl[checkpoint][measure];
          if (!change) return [none, none, none];
          return [change.to, difference(change, arm.seeds.length), isBeyond(change) ? '**yes**' : 'no'];
        }),
      ]),
  );
  if (rows.every((row) => row.slice(2).every((text) => text === none))) return null;
  const columns = ['to it', 'beyond'];
  return table(
    ['cell', 'arm', 'best control or baseline, R@1', ...columns, 'best control or baseline, MAP@R', ...columns],
    rows,
  );
}

/** One row an arm, one column a step; null for a study that measured nothing along the way. */
function curveTables({ cells }: StudySummary): string | null {
  const tables = cells.flatMap(({ cell, curves }) => {
    const steps = [...new Set(curves.flatMap(({ points }) => points.map(({ step }) => step)))].sort((a, b) => a - b);
    if (steps.length < 2) return [];
    const rows = curves.map(({ arm, points }) => [
      cell,
      arm,
      ...steps.map((step) => {
        const point = points.find((other) => other.step === step);
        if (!point) return none;
        const shown = (value: number, format: (value: number) => string): string =>
          Number.isNaN(value) ? none : format(value);
        const recalls = [point.unseen, point.train].map((value) => shown(value, percent));
        return [...recalls, shown(point.trainSpreadToGap, ratio)].join(' / ');
      }),
    ]);
    return [table(['cell', 'arm', ...steps.map((step) => `step ${step}`)], rows)];
  });
  return tables.length === 0 ? null : tables.join('\n\n');
}

const curveLegend =
  'R@1 of unseen classes / R@1 of training classes / spread of a training class over its distance to the nearest others (small: dense), means over the seeds.';

const legend = [
  'Percentages, mean ± standard deviation over n seeds. Differences are in points, paired by seed, with 95 % t intervals.',
  'p is that of the paired t-test; Holm: the same, corrected for all arms of this study in this table and measure.',
  'gap: R@1 of trained classes − R@1 of unseen ones. v/D: spread of a class over its distance to the nearest others,',
  'on unseen classes.',
].join('\n');

const verdictLegend =
  'An arm’s gain is beyond the controls when the interval of its paired difference to the best of them and the baseline (in its cell, by mean, of that measure) lies above 0.';

/** The tables of a study as Markdown: by cell, arms in rows; the same runs give the same text. */
export function formatStudy(summary: StudySummary): string {
  const sections: (readonly [string, string | null])[] = [
    ['At the last step', finalTable(summary)],
    ['At the step chosen on validation classes', hasSelected(summary) ? selectedTable(summary) : null],
    ['Beyond the controls, at the last step', verdicts(summary, 'final')],
    ['Beyond the controls, at the step chosen on validation classes', verdicts(summary, 'selected')],
    ['Curves', curveTables(summary)],
  ];
  const parts = sections.flatMap(([title, text]) => {
    if (text === null) return [];
    const about = title.startsWith('Beyond') ? [verdictLegend] : title === 'Curves' ? [curveLegend] : [];
    return [`### ${title}`, ...about, text];
  });
  const { runs, tuningRuns, failures, cells } = summary;
  const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
  const count = `${counted(runs, 'run')} in ${counted(cells.length, 'cell')}${tuningRuns > 0 ? `, after ${counted(tuningRuns, 'tuning run')} on validation classes` : ''}.`;
  const failed = failures.map(({ cell, arm, seed, failed }) => `- ${cell}, ${arm}, seed ${seed}: ${failed ?? ''}`);
  const failedPart = failed.length > 0 ? [`Ended early, and in no mean:\n\n${failed.join('\n')}`] : [];
  return `${[`## ${summary.study}`, count, ...failedPart, legend, ...parts].join('\n\n')}\n`;
}

const hasSelected = ({ cells }: StudySummary): boolean =>
  cells.some(({ arms }) => arms.some(({ spread: { selected } }) => selected['recall@1'] !== undefined));

/**
 * The Markdown summary of the runs of one study.
 * @throws KindredError results-invalid
 */
export function summarizeStudy(runs: readonly SummarizedRun[]): string {
  return formatStudy(studySummary(runs));
}
