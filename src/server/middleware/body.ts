import { raw, type Request, type RequestHandler, type Response } from 'express';
import multer, { MulterError } from 'multer';
import { KindredError } from '../../core/errors.js';
import { bodyTooLarge } from '../problem.js';

export type Body =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'form'; readonly fields: Readonly<Record<string, unknown>>; readonly image: Uint8Array };

/** Reads a request's body into memory. @throws KindredError body-too-large, invalid-json, invalid-request, … */
export type ReadBody = (request: Request, response: Response) => Promise<Body>;

/** Text fields of a form are options, not pictures. */
const mostFieldBytes = 64 * 1024;
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
 * JSON from a stranger: bounded in its parts before it is parsed, and without a key that would vanish on the way.
 * @throws KindredError invalid-json, invalid-request
 */
export function parseJson(bytes: Buffer): unknown {
  if (countParts(bytes) > mostJsonParts) {
    throw new KindredError('invalid-request', `the JSON has more than ${mostJsonParts} parts`);
  }
  if (bytes.includes('"__proto__"')) throw new KindredError('invalid-request', 'the JSON has a key named __proto__');
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return value;
  } catch (error) {
    throw new KindredError('invalid-json', 'the body is not valid JSON', { cause: error });
  }
}

function formError(error: unknown, mostBytes: number): KindredError {
  if (!(error instanceof MulterError)) {
    return new KindredError('invalid-request', 'the multipart body could not be read to its end', { cause: error });
  }
  if (error.code === 'LIMIT_FILE_SIZE') return bodyTooLarge(error, mostBytes);
  if (error.code === 'LIMIT_FIELD_VALUE') {
    const field = error.field ?? 'a form field';
    return new KindredError('invalid-option', `${field} is longer than ${mostFieldBytes} bytes`, {
      field,
      cause: error,
    });
  }
  if (error.code === 'LIMIT_UNEXPECTED_FILE' || error.code === 'LIMIT_FILE_COUNT') {
    return new KindredError('invalid-option', 'send one file, in the form field image', {
      field: 'image',
      cause: error,
    });
  }
  return new KindredError('invalid-request', `the multipart body is not accepted: ${error.message}`, { cause: error });
}

/** A reader for JSON and multipart bodies of at most `mostBytes`, held in memory: nothing of an upload touches the disk. */
export function createReadBody(mostBytes: number): ReadBody {
  const readRaw = raw({ type: () => true, limit: mostBytes });
  const readForm = multer({
    storage: multer.memoryStorage(),
    limits: { fileSize: mostBytes, files: 1, fields: 16, parts: 20, fieldSize: mostFieldBytes, fieldNameSize: 100 },
  }).single('image');

  return async (request, response) => {
    if (request.is('multipart/form-data')) {
      await runMiddleware(readForm, request, response).catch((error: unknown) => {
        throw formError(error, mostBytes);
      });
      if (request.file === undefined) {
        throw new KindredError('invalid-option', 'image is missing: send the picture in the form field image', {
          field: 'image',
        });
      }
      const fields: unknown = request.body;
      return { kind: 'form', fields: Object.fromEntries(Object.entries(fields ?? {})), image: request.file.buffer };
    }
    if (request.is('application/json')) {
      await runMiddleware(readRaw, request, response);
      const bytes: unknown = request.body;
      return { kind: 'json', value: parseJson(Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0)) };
    }
    throw new KindredError('content-type-unsupported', 'the body must be multipart/form-data or application/json', {
      hint: 'Send a picture with: curl -F image=@photo.jpg.',
    });
  };
}
