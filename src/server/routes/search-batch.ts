import { z } from 'zod';
import { errorCodes, KindredError } from '../../core/errors.js';
import { countPictures } from '../../search/examples.js';
import type { SearchAnswer, SearchQuery } from '../../search/search.js';
import { presentOutcome, roundedMs } from '../present.js';
import type { Route } from '../route.js';
import { searchBatchResponseSchema, searchBatchSchema, mostQueries } from '../schemas/search.js';
import { parseRequest } from '../schemas/issues.js';
import { readSearchJson } from '../search-input.js';
import { bodyErrors } from './body-errors.js';
import { imageErrors, searchErrors, type SearchRouteParts } from './search-parts.js';

/** The list as such; each query is validated when its turn comes, by the schema that the document shows. */
const looseSchema = z.strictObject({ queries: z.array(z.unknown()).min(1).max(mostQueries) });

/** All that could be read, within the pictures of one batch. */
async function readQueries(
  values: readonly unknown[],
  read: (value: unknown) => Promise<SearchQuery>,
): Promise<(SearchQuery | KindredError)[]> {
  const queries: (SearchQuery | KindredError)[] = [];
  let pictures = 0;
  for (const value of values) {
    try {
      const query = await read(value);
      const more = countPictures(query.example);
      if (pictures + more > mostQueries) {
        throw new KindredError('invalid-option', `queries must have at most ${mostQueries} pictures in all`, {
          field: 'queries',
          hint: 'Send the rest in another batch.',
        });
      }
      pictures += more;
      queries.push(query);
    } catch (error) {
      if (!(error instanceof KindredError)) throw error;
      queries.push(error);
    }
  }
  return queries;
}

export function searchBatchRoutes({ search, inspect, readBody, queues, log }: SearchRouteParts): Route[] {
  return [
    {
      method: 'post',
      scope: 'read',
      path: '/v1/search\\:batch',
      operation: 'searchBatch',
      summary: 'Many searches in one request, their pictures embedded together',
      body: { json: searchBatchSchema },
      answer: { json: searchBatchResponseSchema, about: 'An answer or a problem for each query, in their order.' },
      errors: [...bodyErrors, ...imageErrors, ...searchErrors],
      queue: 'images',
      handle: async (request, response, signal) => {
        const body = await readBody(request, response);
        if (body.kind === 'form') {
          throw new KindredError('content-type-unsupported', 'the body must be application/json');
        }
        const { queries } = parseRequest(looseSchema, body.value);
        const started = performance.now();
        const read = await readQueries(queries, (value) => readSearchJson(value, inspect));
        const wanted = read.flatMap((one) => (one instanceof KindredError ? [] : [one]));
        const ask = () => search.searchAll(wanted);
        const embeds = wanted.some((query) => countPictures(query.example) > 0);
        const found = await (embeds ? queues.embeddings.run(ask, signal) : ask());
        const tookMs = performance.now() - started;
        let next = 0;
        const answers = read.map((one): SearchAnswer | KindredError =>
          one instanceof KindredError ? one : (found[next++] ?? new KindredError('internal', 'a query got no answer')),
        );
        for (const one of answers) {
          if (one instanceof KindredError && errorCodes[one.code].http >= 500) {
            log?.error({ err: one, cause: one.cause }, 'a query of a batch failed');
          }
        }
        response.json({ answers: answers.map((one) => presentOutcome(one, tookMs)), tookMs: roundedMs(tookMs) });
      },
    },
  ];
}
