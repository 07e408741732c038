import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { escape } from './html.js';

/** Of Plot's options those that a chart may set. */
export type ChartPlot = Pick<Plot.PlotOptions, 'x' | 'y' | 'marks' | 'height' | 'width' | 'marginLeft'>;

/** One line of a chart's legend. */
export interface Key {
  readonly name: string;
  /** A CSS colour, such as `series.first`. */
  readonly color: string;
}

/** Colours that follow the page from light to dark. */
export const series = {
  first: 'var(--series-1)',
  second: 'var(--series-2)',
  third: 'var(--series-3)',
  muted: 'var(--muted)',
} as const;

export interface ChartOptions {
  readonly title: string;
  /** What the picture shows, for those who do not see it. */
  readonly description: string;
  readonly keys?: readonly Key[];
  readonly plot: ChartPlot;
  /** Classes of the figure, beside `chart`. */
  readonly kind?: string;
}

const width = 440;

/** Ticks of a logarithmic axis in plain numbers, not in thousandths. */
export const plainTicks = {
  ticks: 4,
  tickFormat: (value: number): string => String(Number(value.toPrecision(2))),
} as const;

/** The mark-up of an element: of Plot's types nothing else is needed, and they want a browser's. */
function markup(element: unknown): string {
  if (typeof element !== 'object' || element === null || !('outerHTML' in element)) throw new TypeError('no element');
  return String(element.outerHTML);
}

/** Draws a chart on the server: a figure with its title, legend and an SVG whose colours are CSS variables. */
export function chart({ title, description, keys = [], plot, kind = '' }: ChartOptions): string {
  // Plot's types of a document and of an element are a browser's, which this program knows nothing of.
  const window: unknown = parseHTML('<!doctype html><html><body></body></html>');
  // A proxy, which does not say what it has until it is asked.
  const document: unknown = typeof window === 'object' && window !== null ? Reflect.get(window, 'document') : undefined;
  const common: object = {
    width,
    height: 260,
    marginLeft: 52,
    marginBottom: 42,
    marginTop: 28,
    style: { fontSize: '13px', background: 'none' },
  };
  const options: object = Object.assign(common, plot, { document, ariaLabel: title, ariaDescription: description });
  const svg = markup(Plot.plot(options));
  const legend = keys.map(
    ({ name, color }) => `<span class="key"><i style="background:${color}"></i>${escape(name)}</span>`,
  );
  return `<figure class="chart ${kind}"><figcaption><b>${escape(title)}</b>${legend.join('')}</figcaption>${svg.replace('<svg', '<svg role="img"')}</figure>`;
}
