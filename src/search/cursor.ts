import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { KindredError } from '../core/errors.js';
import { sha256 } from '../core/hashing.js';
import type { Example, Examples } from './examples.js';

/** Where the next page begins. */
const stateSchema = z.union([
  z.strictObject({
    distance: z.number(),
    id: z.string(),
    rank: z.number().int().min(1),
    /** The query's local density as the first page found it, so that scores are those of one list. */
    density: z.number().nullable(),
  }),
  /** Values of the groups that were given. */
  z.strictObject({ groups: z.array(z.string()).min(1) }),
]);
export type CursorState = z.infer<typeof stateSchema>;

/** Groups that a series of pages may give: they are all in the cursor. */
export const mostPagedGroups = 1000;

const signLength = 24;

/** Not a secret: it tells a cursor of another query, or a damaged one. What a forged one asks for, anyone may ask. */
function signature(query: string, body: string): string {
  return sha256('kindred cursor 1\n', query, '\n', body).slice(0, signLength);
}

export function writeCursor(query: string, state: CursorState): string {
  const body = Buffer.from(JSON.stringify(state)).toString('base64url');
  return `${body}.${signature(query, body)}`;
}

/** @throws KindredError invalid-cursor */
export function readCursor(query: string, cursor: string): CursorState {
  const [body = '', signed = ''] = cursor.split('.');
  const refuse = (cause?: unknown): KindredError =>
    new KindredError('invalid-cursor', 'the cursor is damaged, or belongs to another query', {
      field: 'cursor',
      hint: 'Send it as it came, with the query it came from; only limit, ef and exact may change.',
      cause,
    });
  if (cursor !== `${body}.${signed}` || signature(query, body) !== signed) throw refuse();
  try {
    return stateSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
  } catch (error) {
    throw refuse(error);
  }
}

function identityOf(example: Example): unknown {
  if ('id' in example) return { id: example.id, box: example.box };
  if ('vector' in example) return { vector: Array.from(example.vector) };
  const { image, box } = example;
  return { image: 'path' in image ? image.path : sha256(image.bytes), box };
}

/** Names a query: what its examples are and what else decides which items follow which. */
export function queryHash({ positives, negatives = [], negativeWeight }: Examples, rest: unknown): string {
  return sha256(JSON.stringify([positives.map(identityOf), negatives.map(identityOf), negativeWeight, rest]));
}
