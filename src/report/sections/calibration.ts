import * as Plot from '@observablehq/plot';
import type { CheckedGallery } from '../../evaluate/calibration/check.js';
import type { Calibration } from '../../model/calibration.js';
import { chart, series } from '../chart.js';
import { digits, paragraph, percent, table } from '../html.js';
import type { Section } from '../section.js';

function crossValidated({ crossValidation, fittedOn, fit }: Calibration): string {
  const rows = crossValidation.candidates.map(({ method, density, brier, ece }) => [
    `${method}, ${density ? 'distance and density' : 'distance alone'}`,
    digits(brier, 4),
    digits(ece, 4),
  ]);
  const where = `${fittedOn.name}${fittedOn.split === undefined ? '' : `, split ${fittedOn.split}`}`;
  const used = fit.terms.some(({ feature }) => feature !== 'log-distance') ? 'distance and density' : 'distance alone';
  return [
    paragraph(
      `Fitted on ${where}: ${fittedOn.queries} queries of ${fittedOn.classes} classes. In use: ${fit.method}, ${used}. Below, each way of fitting on classes left out of the fit (${crossValidation.folds} folds); lower is better.`,
    ),
    table(['fit', 'Brier', 'ECE'], rows),
  ].join('');
}

function reliability({
  reliability: found,
  distanceOnly,
  withDensity,
  precisions,
  queries,
  gallery,
}: CheckedGallery): string {
  const sides = [
    { name: 'score, as given', color: series.first, of: found },
    { name: 'distance alone', color: series.second, of: distanceOnly },
    ...(withDensity ? [{ name: 'distance and density', color: series.third, of: withDensity }] : []),
  ];
  const figure = chart({
    title: 'Reliability on unseen classes',
    description: sides
      .map(({ name, of }) => `${name}: ECE ${digits(of.ece, 4)}, Brier ${digits(of.brier, 4)}`)
      .join('; '),
    keys: sides,
    plot: {
      x: { label: 'score', domain: [0, 1] },
      y: { label: 'share that is of the same class', domain: [0, 1], grid: true },
      marks: [
        Plot.line([{ at: 0 }, { at: 1 }], { x: 'at', y: 'at', stroke: series.muted, strokeDasharray: '4 3' }),
        ...sides.flatMap(({ of, color }) => [
          Plot.lineY(of.curve, { x: 'score', y: 'observed', stroke: color, strokeWidth: 2 }),
          Plot.dot(of.curve, { x: 'score', y: 'observed', fill: color, r: 3 }),
        ]),
      ],
    },
  });
  return [
    paragraph(
      `On the evaluated split: ${queries} queries, a gallery of ${gallery}. On the dashed line scores are what they say; below it they promise too much.`,
    ),
    `<div class="charts">${figure}<div>${table(
      ['fit', 'Brier', 'ECE'],
      sides.map(({ name, of }) => [name, digits(of.brier, 4), digits(of.ece, 4)]),
    )}${table(
      ['asked precision %', 'reached %', 'results', 'recall %'],
      precisions.map((one) => [percent(one.asked), percent(one.reached), digits(one.results, 1), percent(one.recall)]),
      'limit=auto',
    )}</div></div>`,
  ].join('');
}

/** Whether a score of 0.9 is right nine times of ten. */
export const calibration: Section = {
  id: 'calibration',
  title: 'Calibration of the score',
  render({ calibration: stored, measured }) {
    if (!stored) return null;
    return crossValidated(stored) + (measured?.reliability ? reliability(measured.reliability) : '');
  },
};
