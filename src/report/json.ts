import { trainCommand } from './command.js';
import type { ReportData } from './data.js';

/** The numbers of a report, without pictures. */
export function reportJson({ bundle, history, settings, calibration, measured }: ReportData): Record<string, unknown> {
  return {
    fingerprint: bundle.fingerprint,
    history,
    settings,
    command: trainCommand(settings, undefined),
    calibration: calibration && { fittedOn: calibration.fittedOn, crossValidation: calibration.crossValidation },
    ...(measured && {
      evaluation: measured.evaluation,
      density: { unseen: measured.unseen, trained: measured.trained },
      worst: measured.worst.map(({ query, precision, firstRank, neighbours }) => ({
        path: query.path,
        class: query.class,
        precision,
        firstRank,
        neighbours: neighbours.map(({ path, class: name, distance, right }) => ({
          path,
          class: name,
          distance,
          right,
        })),
      })),
      map: measured.map?.points ?? null,
      reliability: measured.reliability,
    }),
  };
}
