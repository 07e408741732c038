import { KindredError } from '../../core/errors.js';
import type { Box } from '../../core/images.js';
import type { Filter } from '../../indexing/catalogue.js';
import { checkDepth } from '../json-depth.js';
import { boxSchema } from './api.js';
import { filterSchema, toFilter } from './filter.js';
import { parseRequest } from './issues.js';
import { exampleListSchema } from './search.js';
import { z } from 'zod';

const conditionText = /^(!?)([^=<>!].*?)(!=|>=|<=|>|<|=)(.*)$/s;
const boundNames = { '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' } as const;

function isBound(sign: string | undefined): sign is keyof typeof boundNames {
  return sign !== undefined && sign in boundNames;
}

function unreadable(text: string): KindredError {
  return new KindredError('invalid-option', `filter "${text.slice(0, 100)}" is not of the form field=value`, {
    field: 'filter',
    hint: 'Write for example category=fruit, price>=10 or !category=fruit; repeat it for more conditions.',
  });
}

/**
 * Conditions as written in a URL or on the command line, one a text: `field=value`, `field>=bound` (also >, <, <=), a `!`
 * before it for the contrary, or the JSON form. Several values of one field are alternatives; the rest must all hold.
 * Everything behind the sign is the value.
 * @throws KindredError invalid-option, invalid-json, invalid-request
 */
export function parseConditions(texts: readonly string[]): Filter {
  const accepted = new Map<string, string[]>();
  const parts: Filter[] = [];
  for (const text of texts) {
    if (text.startsWith('{')) {
      parts.push(parseFilterText(text));
      continue;
    }
    const [, not, field = '', sign, value = ''] = conditionText.exec(text) ?? [];
    if (field === '') throw unreadable(text);
    const contrary = (not === '!') !== (sign === '!=');
    if (isBound(sign)) {
      const range = { field, [boundNames[sign]]: value };
      parts.push(contrary ? { not: range } : range);
    } else if (contrary) {
      parts.push({ not: { field, in: [value] } });
    } else {
      accepted.set(field, [...(accepted.get(field) ?? []), value]);
    }
  }
  return { and: [...[...accepted].map(([field, values]) => ({ field, in: values })), ...parts] };
}

function parseJsonText(text: string, field: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new KindredError('invalid-json', `${field} is not valid JSON`, { field, cause: error });
  }
  checkDepth(value, field, field);
  return value;
}

/** A filter as JSON, see filter.ts. @throws KindredError invalid-json, invalid-option */
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

/** Further examples in a form field. @throws KindredError invalid-json, invalid-option */
export function parseExamplesText(text: string, field: 'positives' | 'negatives'): z.infer<typeof exampleListSchema> {
  return parseRequest(z.object({ [field]: exampleListSchema }), { [field]: parseJsonText(text, field) })[field] ?? [];
}
