import type { CheckReport, Duplicates } from '../../data/check.js';
import { type DatasetCounts } from '../../data/dataset-schema.js';
import { splitNames } from '../../data/dataset.js';
import type { PrepareSummary } from '../../data/prepare.js';
import type { Skipped } from '../../data/source.js';

/** Lists longer than this end in "… and N more"; --json has them all. */
const longestList = 10;

/** Classes in a batch, by default. */
const usualBatch = 16;

function list<T>(entries: readonly T[], line: (entry: T) => string): string[] {
  const shown = entries.slice(0, longestList).map((entry) => `  ${line(entry)}`);
  return entries.length > longestList
    ? [...shown, `  … and ${entries.length - longestList} more (--json lists all)`]
    : shown;
}

function splitTable(counts: DatasetCounts): string[] {
  const row = (name: string, classes: string, images: string): string =>
    `  ${name.padEnd(11)} ${classes.padStart(8)} ${images.padStart(8)}`;
  const rows = splitNames
    .filter((name) => name !== 'none' || counts.splits.none.items > 0)
    .map((name) => row(name, String(counts.splits[name].classes), String(counts.splits[name].items)));
  return [row('split', 'classes', 'images'), ...rows, row('all', String(counts.classes), String(counts.items))];
}

const skippedLine = ({ path, reason }: Skipped): string => `${path}: ${reason}`;
const images = (count: number): string => (count === 1 ? '1 image' : `${count} images`);

/** What `data prepare` did, for people. */
export function describePrepared(summary: PrepareSummary): string {
  const { manifest, skipped, leftOut, folder } = summary;
  const { unlabelled, alone, iconic } = leftOut;
  const fold = manifest.split.fold === undefined ? '' : `, fold ${manifest.split.fold}`;
  const lines = [`${manifest.name}: ${images(manifest.counts.items)} in ${folder}`, ...splitTable(manifest.counts)];
  lines.push(
    `Split by class: ${manifest.split.method}${fold}, seed ${manifest.split.seed}, hash ${manifest.split.hash.slice(0, 12)}`,
  );
  const reasons = [
    alone > 0 ? `${alone} alone in their class` : '',
    unlabelled > 0 ? `${unlabelled} without a label` : '',
    iconic > 0 ? `${iconic} iconic` : '',
  ].filter((reason) => reason !== '');
  if (reasons.length > 0) {
    lines.push(`In no split: ${reasons.join(', ')}. They are indexed and searchable, but not trained on or measured.`);
  }
  const trained = manifest.counts.splits.train.classes;
  if (trained < 2) lines.push('Too few classes to train on: at least 2 are needed, with two or more images each.');
  else if (trained < usualBatch) {
    lines.push(`A batch takes ${usualBatch} classes unless told otherwise: train with --classes-per-batch ${trained}`);
  }
  if (skipped.length > 0) lines.push(`Skipped ${images(skipped.length)}:`, ...list(skipped, skippedLine));
  const { deviations = [] } = manifest;
  if (deviations.length > 0) {
    lines.push(
      'Not the published data set, so results are not comparable with published ones:',
      ...list(deviations, (text) => text),
    );
  }
  if (manifest.licence) lines.push(`Licence: ${manifest.licence} (credits are in dataset.json)`);
  if (manifest.citation) lines.push(`Cite: ${manifest.citation}`);
  return lines.join('\n');
}

function duplicatesLine({ ids, labels, splits }: Duplicates): string {
  return `${ids.join(' = ')} (${labels.join(', ') || 'no label'}; ${splits.join(', ')})`;
}

/** What `data check` found, for people. */
export function describeCheck(report: CheckReport): string {
  const { classSizes, tooSmall, unreadable, duplicates, conflicts, problems } = report;
  const lines = [`${report.name}: ${images(report.counts.items)}`, ...splitTable(report.counts)];
  if (classSizes) {
    lines.push(`Images a class: ${classSizes.smallest} to ${classSizes.largest}, median ${classSizes.median}`);
  }
  if (tooSmall.length > 0) {
    lines.push(
      `Classes with one image, not trained on or measured: ${tooSmall.length}`,
      ...list(tooSmall, (name) => name),
    );
  }
  if (unreadable.length > 0) lines.push(`Unreadable: ${images(unreadable.length)}`, ...list(unreadable, skippedLine));
  if (conflicts.length > 0) {
    lines.push(`The same image in several classes: ${conflicts.length}`);
    lines.push(...list(conflicts, duplicatesLine));
  }
  if (duplicates.length > 0) {
    lines.push(`Exact duplicates: ${duplicates.length}`, ...list(duplicates, duplicatesLine));
  }
  if (problems.length === 0) lines.push('Nothing must be fixed.');
  else lines.push('To be fixed:', ...problems.map((problem) => `  ${problem}`));
  return lines.join('\n');
}
