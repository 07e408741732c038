import { signed } from '../../evaluate/table.js';
import type { Interval } from '../../metrics/bootstrap.js';
import { paragraph, percent, table } from '../html.js';
import type { Section } from '../section.js';

const span = (interval: Interval | undefined, format: (value: number) => string): string =>
  interval ? `${format(interval[0])} … ${format(interval[1])}` : '';

/** The numbers, beside those of the untrained backbone. */
export const metrics: Section = {
  id: 'metrics',
  title: 'Retrieval on unseen classes',
  render({ measured }) {
    if (!measured) return null;
    const { model, untrained, difference, intervals, leftOut, skipped } = measured.evaluation;
    const rows = Object.keys(untrained).map((name) =>
      model
        ? [
            name,
            percent(model[name]),
            span(intervals.model?.[name], percent),
            percent(untrained[name]),
            signed(difference?.[name] ?? NaN),
            span(intervals.difference?.[name], signed),
          ]
        : [name, percent(untrained[name]), span(intervals.untrained[name], percent)],
    );
    const head = model
      ? ['%', 'model', '95 % interval', 'untrained', 'difference', '95 % interval']
      : ['%', 'model', '95 % interval'];
    return [
      paragraph(
        'Every picture of the split searches among all others (or in the gallery, where the data set has one). Intervals are a bootstrap over classes: they say how much hangs on which classes were held out, and nothing about another training seed.',
      ),
      table(head, rows),
      leftOut + skipped.length > 0
        ? paragraph(
            `${leftOut} pictures have none of their class to find and are no queries; ${skipped.length} cannot be read.`,
          )
        : '',
    ].join('');
  },
};
