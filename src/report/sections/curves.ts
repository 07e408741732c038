import * as Plot from '@observablehq/plot';
import { chart, plainTicks, series, type ChartOptions } from '../chart.js';
import type { Epoch } from '../history.js';
import { details, digits, paragraph, percent, table } from '../html.js';
import type { Section } from '../section.js';

interface Line {
  readonly name: string;
  readonly color: string;
  readonly of: (epoch: Epoch) => number | null | undefined;
}

const share = (value: number | null | undefined): number | null =>
  value === null || value === undefined ? null : 100 * value;

type Axes = Pick<ChartOptions, 'title'> & { readonly unit: string; readonly band?: boolean };

/** Lines over the steps; null where no epoch has any of them. */
function lines(history: readonly Epoch[], { title, unit, band = false }: Axes, all: readonly Line[]): string | null {
  const points = (line: Line): { step: number; value: number }[] =>
    history.flatMap((epoch) => {
      const value = line.of(epoch);
      return value === null || value === undefined ? [] : [{ step: epoch.step, value }];
    });
  const drawn = all.map((line) => ({ ...line, points: points(line) })).filter((line) => line.points.length > 0);
  if (drawn.length === 0) return null;
  const ends = drawn.map(
    (line) => `${line.name} from ${digits(line.points[0]?.value)} to ${digits(line.points.at(-1)?.value)}`,
  );
  const spreads = history.flatMap(({ step, ratio }) => (ratio ? [{ step, ...ratio }] : []));
  return chart({
    title,
    description: `Over ${history.at(-1)?.step ?? 0} steps: ${ends.join('; ')}.`,
    keys: drawn,
    plot: {
      x: { label: 'step' },
      y: { label: unit, grid: true, nice: true },
      marks: [
        ...(band
          ? [Plot.areaY(spreads, { x: 'step', y1: 'p10', y2: 'p90', fill: series.first, fillOpacity: 0.18 })]
          : []),
        ...drawn.flatMap((line) => [
          Plot.lineY(line.points, { x: 'step', y: 'value', stroke: line.color, strokeWidth: 2 }),
          Plot.dot(line.points, { x: 'step', y: 'value', fill: line.color, r: 2.5 }),
        ]),
      ],
    },
  });
}

/** A faint line for every class that was followed. */
function classTracks(history: readonly Epoch[], names: readonly string[]): string | null {
  const points = history.flatMap(({ step, byClass }) =>
    (byClass?.classes ?? []).map((number, i) => ({
      step,
      class: names[number] ?? `class ${number}`,
      ratio: Math.max(byClass?.ratio[i] ?? 0, 1e-4),
    })),
  );
  if (points.length === 0) return null;
  return chart({
    title: 'Density of single classes while training',
    description: 'A line for each training class: its spread over its gap in the batches of each epoch.',
    plot: {
      x: { label: 'step' },
      y: { label: 'v / D', type: 'log', grid: true, ...plainTicks },
      marks: [
        Plot.line(points, {
          x: 'step',
          y: 'ratio',
          z: 'class',
          stroke: series.first,
          strokeOpacity: 0.35,
          title: 'class',
        }),
      ],
    },
  });
}

const numbers = (history: readonly Epoch[]): string =>
  table(
    ['step', 'loss', 'v/D', 'R@1 %', 'MAP@R %', 'sample: R@1 train', 'unseen', 'rank train', 'unseen'],
    history.map(({ step, loss, spreadToGap, validation, gap }) => [
      String(step),
      digits(loss, 4),
      digits(spreadToGap),
      percent(validation?.recallAt1),
      percent(validation?.mapAtR),
      percent(gap?.train.recallAt1),
      percent(gap?.unseen?.recallAt1),
      digits(gap?.train.effectiveRank, 0),
      digits(gap?.unseen?.effectiveRank, 0),
    ]),
  );

/** How training went. */
export const curves: Section = {
  id: 'curves',
  title: 'Training',
  render({ history, bundle }) {
    const last = history.at(-1);
    if (!last) return null;
    const { first, second, third } = series;
    const charts = [
      lines(history, { title: 'Loss', unit: 'loss' }, [
        { name: 'loss', color: first, of: ({ loss }) => loss },
        { name: 'density penalty', color: second, of: ({ penalty }) => penalty },
      ]),
      lines(history, { title: 'Held-out classes', unit: '%' }, [
        { name: 'R@1', color: first, of: ({ validation }) => share(validation?.recallAt1) },
        { name: 'MAP@R', color: second, of: ({ validation }) => share(validation?.mapAtR) },
      ]),
      lines(history, { title: 'R@1, training against unseen classes', unit: '%' }, [
        { name: 'training', color: third, of: ({ gap }) => share(gap?.train.recallAt1) },
        { name: 'unseen', color: first, of: ({ gap }) => share(gap?.unseen?.recallAt1) },
      ]),
      lines(history, { title: 'MAP@R, training against unseen classes', unit: '%' }, [
        { name: 'training', color: third, of: ({ gap }) => share(gap?.train.mapAtR) },
        { name: 'unseen', color: first, of: ({ gap }) => share(gap?.unseen?.mapAtR) },
      ]),
      lines(history, { title: 'Spread to gap in the batches', unit: 'v / D', band: true }, [
        {
          name: 'median (band: 10th to 90th percentile of classes)',
          color: first,
          of: ({ spreadToGap }) => spreadToGap,
        },
      ]),
      classTracks(history, bundle.dataset?.trainClasses ?? []),
      lines(history, { title: 'Effective rank', unit: 'directions' }, [
        { name: 'training', color: third, of: ({ gap }) => gap?.train.effectiveRank },
        { name: 'unseen', color: first, of: ({ gap }) => gap?.unseen?.effectiveRank },
      ]),
    ];
    const { gap } = last;
    const sample = gap
      ? `Training and unseen classes are compared on samples that are alike: ${gap.images} images of ${gap.classes} classes on each side.`
      : '';
    return [
      paragraph(`A point for each epoch. ${sample}`),
      `<div class="charts">${charts.filter((one) => one !== null).join('')}</div>`,
      details('The numbers', numbers(history)),
    ].join('');
  },
};
