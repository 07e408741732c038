import * as Plot from '@observablehq/plot';
import { quantile } from '../../metrics/bootstrap.js';
import { chart, plainTicks, series } from '../chart.js';
import type { ClassPoint } from '../data.js';
import { digits, paragraph } from '../html.js';
import type { Section } from '../section.js';
import { rankCorrelation } from '../rank-correlation.js';

const bins = 16;
/** Keeps a class of equal pictures on the logarithmic axis. */
const least = 1e-4;

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly share: number;
}

/** Shares of values in bins of equal width on a logarithmic axis from `low` to `high`. */
export function logHistogram(values: readonly number[], low: number, high: number): Bar[] {
  const width = Math.log(high / low) / bins || 1;
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const at = Math.min(bins - 1, Math.max(0, Math.floor(Math.log(Math.max(value, low) / low) / width)));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts.map((count, i) => ({
    from: low * Math.exp(i * width),
    to: low * Math.exp((i + 1) * width),
    share: (100 * count) / values.length,
  }));
}

type Of = (point: ClassPoint) => number;
const finite = (points: readonly ClassPoint[], of: Of): number[] =>
  points.map(of).filter(Number.isFinite).map((value) => Math.max(value, least)); // prettier-ignore
const median = (values: readonly number[]): number => quantile(Float64Array.from(values).sort(), 0.5);

function histogram(
  title: string,
  unit: string,
  unseen: readonly ClassPoint[],
  trained: readonly ClassPoint[],
  of: Of,
): string {
  const sides = [
    { name: 'training classes', color: series.third, values: finite(trained, of) },
    { name: 'unseen classes', color: series.first, values: finite(unseen, of) },
  ].filter(({ values }) => values.length > 0);
  const all = sides.flatMap(({ values }) => values);
  const [low, high] = [Math.min(...all), Math.max(...all) * (1 + 1e-9)];
  const medians = sides.map(({ name, values }) => `${name}: ${values.length}, median ${digits(median(values), 3)}`);
  return chart({
    title,
    description: `Histogram. ${medians.join('; ')}.`,
    keys: sides,
    plot: {
      x: { label: unit, type: 'log', ...plainTicks },
      y: { label: '% of classes', grid: true },
      marks: sides.flatMap(({ color, values }) => [
        Plot.rectY(logHistogram(values, low, high), {
          x1: 'from',
          x2: 'to',
          y: 'share',
          fill: color,
          fillOpacity: 0.45,
          stroke: color,
        }),
        Plot.ruleX([median(values)], { stroke: color, strokeWidth: 2, strokeDasharray: '4 3' }),
      ]),
    },
  });
}

function scatter(points: readonly ClassPoint[]): string {
  const shown = points
    .filter(({ ratio, recallAt1 }) => Number.isFinite(ratio) && recallAt1 !== null)
    .map((point) => ({
      ratio: Math.max(point.ratio, least),
      recall: 100 * (point.recallAt1 ?? 0),
      images: point.images,
      name: `${point.class}: v/D ${digits(point.ratio)}, R@1 ${digits(100 * (point.recallAt1 ?? 0), 0)} %, ${point.images} images`,
    }));
  const correlation = rankCorrelation(shown.map(({ ratio }) => ratio), shown.map(({ recall }) => recall)); // prettier-ignore
  return chart({
    title: 'Density against R@1, a dot for each unseen class',
    description: `${shown.length} classes; Spearman’s rank correlation of v/D with R@1 is ${digits(correlation)}.`,
    keys: [{ name: `rank correlation ${digits(correlation)}`, color: series.first }],
    plot: {
      x: { label: 'v / D', type: 'log', ...plainTicks },
      y: { label: 'R@1 %', grid: true },
      marks: [
        Plot.dot(shown, {
          x: 'ratio',
          y: 'recall',
          r: 4,
          fill: series.first,
          fillOpacity: 0.55,
          stroke: series.first,
          title: 'name',
        }),
      ],
    },
  });
}

/** How tightly classes are packed, and whether that has to do with how well they are found. */
export const density: Section = {
  id: 'density',
  title: 'Density',
  render({ measured }) {
    if (!measured || measured.unseen.length === 0) return null;
    const { unseen, trained } = measured;
    const none = trained.length === 0 ? ' The data set holds none of the classes that the model was trained on, so only unseen ones are shown.' : ''; // prettier-ignore
    return [
      paragraph(
        `Spread v: how far a class’s pictures lie from their mean. Gap D: how far its mean lies from the three nearest others. Training classes far to the left of unseen ones are packed tighter than what was learned carries over.${none}`,
      ),
      '<div class="charts">',
      histogram('Spread to gap, v / D', 'v / D', unseen, trained, ({ ratio }) => ratio),
      histogram('Spread v', 'v', unseen, trained, ({ spread }) => spread),
      scatter(unseen),
      '</div>',
    ].join('');
  },
};
