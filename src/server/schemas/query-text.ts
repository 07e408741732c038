import { KindredError } from '../../core/errors.js';
import type { Box } from '../../core/images.js';
import type { MetadataValue } from '../../core/metadata.js';
import type { Filter } from '../../indexing/catalogue.js';
import { boxSchema, filterSchema } from './api.js';
import { parseRequest } from './issues.js';
import { z } from 'zod';

/**
 * Conditions as written in a URL or on the command line: `field=value`, one a text; several values of one field are
 * alternatives. Everything behind the first '=' is the value.
 * @throws KindredError invalid-option
 */
export function parseConditions(texts: readonly string[]): Filter {
  const fields = new Map<string, string[]>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) {
      throw new KindredError('invalid-option', `filter "${text.slice(0, 100)}" is not of the form field=value`, {
        field: 'filter',
        hint: 'Write for example category=fruit; repeat it for more conditions.',
      });
    }
    const field = text.slice(0, at);
    const values = fields.get(field) ?? [];
    if (values.length === 0) fields.set(field, values);
    values.push(text.slice(at + 1));
  }
  return [...fields].map(([field, values]) => ({ field, in: values }));
}

/** The JSON form, field → value or values, as conditions. */
export function toFilter(record: Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>): Filter {
  return Object.entries(record).map(([field, value]) => ({
    field,
    in: typeof value === 'object' ? value : [value],
  }));
}

function parseJsonText(text: string, field: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    throw new KindredError('invalid-json', `${field} is not valid JSON`, { field, cause: error });
  }
}

/** A filter in a form field: JSON, field → value or values. @throws KindredError invalid-json, invalid-option */
export function parseFilterText(text: string): Filter {
  return toFilter(parseRequest(z.object({ filter: filterSchema }), { filter: parseJsonText(text, 'filter') }).filter);
}

/** A box as `x,y,w,h` or as JSON {"x":…,"y":…,"w":…,"h":…}. @throws KindredError invalid-json, invalid-box */
export function parseBoxText(text: string): Box {
  if (text.trimStart().startsWith('{')) return checkBox(parseJsonText(text, 'box'));
  const parts = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [x, y, w, h] = parts;
  if (parts.length !== 4 || parts.some((part) => !Number.isFinite(part))) {
    throw new KindredError('invalid-box', 'box must be four numbers x,y,w,h, fractions of the picture', {
      field: 'box',
      hint: 'For example 0.25,0.25,0.5,0.5 for the middle.',
    });
  }
  return checkBox({ x, y, w, h });
}

function checkBox(value: unknown): Box {
  return parseRequest(z.object({ box: boxSchema }), { box: value }).box;
}
