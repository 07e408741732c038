import type { CheckedGallery } from '../../evaluate/calibration/check.js';
import { aligned, percent } from '../../evaluate/table.js';
import type { Calibration } from '../../model/calibration.js';

const share = (value: number | null): string => (value === null ? '–' : percent(value));

/** What was fitted, and how the ways of fitting compare on classes left out. */
export function formatCalibration({ fittedOn, crossValidation, fit }: Calibration): string {
  const density = fit.terms.length > 1;
  const rows = crossValidation.candidates.map(({ method, density: sees, brier, ece }) => [
    `${method}, ${sees ? 'distance and density' : 'distance alone'}`,
    brier.toFixed(4),
    ece.toFixed(4),
  ]);
  const set = fittedOn.split === undefined ? fittedOn.name : `${fittedOn.name}, ${fittedOn.split} classes`;
  return [
    `Calibrated on ${set}: ${fittedOn.queries} queries of ${fittedOn.classes} classes, each with its ${fittedOn.neighbours} nearest of ${fittedOn.gallery} items.`,
    '',
    ...aligned([['on classes left out of the fit', 'Brier', 'ECE'], ...rows]),
    '',
    `Kept: ${fit.method}, ${density ? 'distance and density' : 'distance alone'} (the lowest Brier score).`,
  ].join('\n');
}

/** The precision that limit=auto reaches, and how far scores are off. */
export function formatChecked(checked: readonly CheckedGallery[]): string {
  const rows = checked.flatMap(({ name, gallery, precisions, withDensityPrecisions: dense }) =>
    precisions.map(({ asked, reached, results, none, recall }, index) => [
      `${name} (${gallery})`,
      percent(asked),
      share(reached),
      results.toFixed(1),
      percent(none),
      percent(recall),
      share(dense?.[index]?.reached ?? null),
      share(dense?.[index]?.recall ?? null),
    ]),
  );
  const errors = checked.map(({ name, reliability, distanceOnly, withDensity }) => {
    const all = [reliability, distanceOnly, withDensity];
    return [name, ...all.map((one) => one?.brier.toFixed(4) ?? '–'), ...all.map((one) => one?.ece.toFixed(4) ?? '–')];
  });
  return [
    `On test classes, ${checked[0]?.queries ?? 0} queries, in %:`,
    ...aligned([['gallery', 'asked', 'reached', 'results', 'none', 'found', 'reached*', 'found*'], ...rows]),
    '  reached: share of the results that are right; none: queries without a result; found: share of what 100 neighbours hold',
    '  *: by the best fit that sees the densities',
    '',
    ...aligned([
      ['gallery', 'Brier', 'distance alone', 'with density', 'ECE', 'distance alone', 'with density'],
      ...errors,
    ]),
  ].join('\n');
}
