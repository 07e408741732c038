import { Buffer } from 'node:buffer';
import { KindredError } from '../core/errors.js';
import type { Example, Examples } from '../search/examples.js';
import type { SearchQuery } from '../search/search.js';
import type { AppDeps } from './deps.js';
import type { Body } from './middleware/body.js';
import { toFilter } from './schemas/filter.js';
import { parseRequest } from './schemas/issues.js';
import { parseBoxText, parseExamplesText, parseFilterText } from './schemas/query-text.js';
import { searchFormSchema } from './schemas/requests.js';
import { type ApiExample, searchRequestSchema } from './schemas/search.js';

type Inspect = AppDeps['inspect'];

/** Refuses what is no picture before it waits for the embedder. @throws KindredError image-* */
export async function checkedPicture(bytes: Uint8Array, inspect: Inspect): Promise<{ bytes: Uint8Array }> {
  if (bytes.byteLength === 0)
    throw new KindredError('image-unreadable', 'the picture has no bytes', { field: 'image' });
  await inspect?.(bytes);
  return { bytes };
}

async function toExample({ id, vector, image, box }: ApiExample, inspect: Inspect): Promise<Example> {
  if (id !== undefined) return { id, box };
  if (vector === undefined) {
    return { image: await checkedPicture(Buffer.from(image ?? '', 'base64'), inspect), box };
  }
  if (box === undefined) return { vector };
  throw new KindredError('invalid-box', 'box goes with id or image, not with vector', { field: 'box' });
}

function toExamples(list: readonly ApiExample[], inspect: Inspect): Promise<Example[]> {
  return Promise.all(list.map((one) => toExample(one, inspect)));
}

function examplesOf(
  positives: readonly Example[],
  negatives: readonly Example[],
  negativeWeight: number | undefined,
): Example | Examples {
  const [only] = positives;
  if (only !== undefined && positives.length === 1 && negatives.length === 0) return only;
  return { positives, negatives, negativeWeight };
}

/** @throws KindredError invalid-option, invalid-box, invalid-vector, image-* */
export async function readSearchJson(value: unknown, inspect: Inspect): Promise<SearchQuery> {
  const {
    id,
    vector,
    image,
    box,
    positives,
    negatives = [],
    negativeWeight,
    filter,
    ...rest
  } = parseRequest(searchRequestSchema, value);
  const listed = positives ?? [{ id, vector, image, box }];
  return {
    example: examplesOf(await toExamples(listed, inspect), await toExamples(negatives, inspect), negativeWeight),
    options: { ...rest, filter: filter && toFilter(filter) },
  };
}

/** @throws KindredError as readSearchJson, and invalid-json */
export async function readSearchForm(fields: unknown, image: Uint8Array, inspect: Inspect): Promise<SearchQuery> {
  const { box, filter, positives, negatives, negativeWeight, ...options } = parseRequest(searchFormSchema, fields);
  const part = box === undefined ? undefined : parseBoxText(box);
  const further = positives === undefined ? [] : parseExamplesText(positives, 'positives');
  const contrary = negatives === undefined ? [] : parseExamplesText(negatives, 'negatives');
  const uploaded: Example = { image: await checkedPicture(image, inspect), box: part };
  return {
    example: examplesOf(
      [uploaded, ...(await toExamples(further, inspect))],
      await toExamples(contrary, inspect),
      negativeWeight,
    ),
    options: { ...options, filter: filter === undefined ? undefined : parseFilterText(filter) },
  };
}

export function readSearchBody(body: Body, inspect: Inspect): Promise<SearchQuery> {
  return body.kind === 'form' ? readSearchForm(body.fields, body.image, inspect) : readSearchJson(body.value, inspect);
}
