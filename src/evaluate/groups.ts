import { KindredError } from '../core/errors.js';
import type { DatasetItem } from '../data/dataset.js';

/** The field that results are broken down by unless another is named. */
export const defaultField = 'category';

/** Stands for images without the field. */
export const noValue = '(none)';

/**
 * The metadata field to break results down by: the one asked for; else `category`, where an image has it.
 * @throws KindredError unknown-name when no image has the field asked for
 */
export function groupField(items: readonly DatasetItem[], asked: string | undefined): string | undefined {
  const field = asked ?? defaultField;
  if (items.some(({ metadata }) => metadata[field] !== undefined)) return field;
  if (asked === undefined) return undefined;
  const known = [...new Set(items.flatMap(({ metadata }) => Object.keys(metadata)))].sort();
  throw new KindredError('unknown-name', `no image of the split has the metadata field "${field}"`, {
    hint: known.length > 0 ? `Known: ${known.join(', ')}.` : 'The images of this split have no metadata.',
    field: '--by',
  });
}

export const groupName = (item: DatasetItem | undefined, field: string): string =>
  String(item?.metadata[field] ?? noValue);
