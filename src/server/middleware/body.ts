import { raw, type Request, type RequestHandler, type Response } from 'express';
import { KindredError } from '../../core/errors.js';
import { checkDepth } from '../json-depth.js';
import { readForm } from './form.js';

export type Body =
  | { readonly kind: 'json'; readonly value: unknown }
  /** A form; or a picture alone as the body, whose fields are then the query's. */
  | { readonly kind: 'form'; readonly fields: Readonly<Record<string, unknown>>; readonly image: Uint8Array };

/** Reads a request's body into memory. @throws KindredError body-too-large, invalid-json, invalid-request, … */
export type ReadBody = (request: Request, response: Response) => Promise<Body>;

/** Structural characters in a JSON body: beyond this, parsing alone would hold up every other request. */
const mostJsonParts = 100_000;

function runMiddleware(handler: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (error?: unknown): void => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('a body parser failed', { cause: error }));
    };
    void handler(request, response, next);
  });
}

function countParts(bytes: Buffer): number {
  let count = 0;
  for (const character of '[{,:') {
    let at = bytes.indexOf(character);
    while (at >= 0 && count <= mostJsonParts) {
      count++;
      at = bytes.indexOf(character, at + 1);
    }
  }
  return count;
}

/**
 * JSON from a stranger: bounded in its parts before it is parsed and in its depth, and without a key that would vanish on the way.
 * @throws KindredError invalid-json, invalid-request
 */
export function parseJson(bytes: Buffer): unknown {
  if (countParts(bytes) > mostJsonParts) {
    throw new KindredError('invalid-request', `the JSON has more than ${mostJsonParts} parts`);
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new KindredError('invalid-json', 'the body is not valid JSON', { cause: error });
  }
  checkDepth(value, 'the JSON');
  return value;
}

/** A reader for JSON, pictures and multipart bodies of at most `mostBytes`, held in memory: nothing of an upload touches the disk. */
export function createReadBody(mostBytes: number): ReadBody {
  const readRaw = raw({ type: () => true, limit: mostBytes });
  const readBytes = async (request: Request, response: Response): Promise<Buffer> => {
    await runMiddleware(readRaw, request, response);
    const bytes: unknown = request.body;
    return Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
  };

  return async (request, response) => {
    if (request.is('multipart/form-data')) return { kind: 'form', ...(await readForm(request, mostBytes)) };
    // The cheapest way in: no form to take apart.
    if (request.is('image/*')) {
      return { kind: 'form', fields: { ...request.query }, image: await readBytes(request, response) };
    }
    if (request.is('application/json')) {
      return { kind: 'json', value: parseJson(await readBytes(request, response)) };
    }
    throw new KindredError(
      'content-type-unsupported',
      'the body must be a picture, multipart/form-data or application/json',
      {
        hint: 'Send a picture with: curl -F image=@photo.jpg.',
      },
    );
  };
}
