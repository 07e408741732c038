import busboy from 'busboy';
import type { Request } from 'express';
import { KindredError } from '../../core/errors.js';
import { bodyTooLarge } from '../problem.js';

export interface Form {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly image: Uint8Array;
}

/** Text fields of a form are options, not pictures. */
const mostFieldBytes = 64 * 1024;

export const unreadable = (cause?: unknown): KindredError =>
  new KindredError('invalid-request', 'the multipart body could not be read to its end', { cause });
const tooMany = (what: string): KindredError =>
  new KindredError('invalid-request', `the multipart body is not accepted: too many ${what}`);
const oneFile = (): KindredError =>
  new KindredError('invalid-option', 'send one file, in the form field image', { field: 'image' });

/** @throws KindredError invalid-request for a head that tells no boundary */
export function openParser(request: Request, limits: busboy.Limits): busboy.Busboy {
  try {
    return busboy({ headers: request.headers, limits });
  } catch (error) {
    throw unreadable(error);
  }
}

/**
 * Reads a form of one file, `image`, and text fields into memory, by the parser itself: nothing of an upload touches the
 * disk, and no storage machinery stands between. What is left of a refused form is read and dropped, so that its
 * sender hears why instead of losing the connection.
 * @throws KindredError body-too-large, invalid-option, invalid-request
 */
export function readForm(request: Request, mostBytes: number): Promise<Form> {
  const limits = { files: 1, fields: 16, parts: 20, fieldSize: mostFieldBytes, fieldNameSize: 100 };
  const parser = openParser(request, { fileSize: mostBytes, ...limits });
  return new Promise((resolve, reject) => {
    const fields = new Map<string, unknown>();
    const chunks: Buffer[] = [];
    let found = false;

    const fail = (error: KindredError): void => {
      request.unpipe(parser);
      request.resume();
      reject(error);
    };
    parser.on('file', (name, file) => {
      file.on('error', (error) => fail(unreadable(error))); // the form ended within it
      if (name !== 'image') {
        file.resume();
        fail(oneFile());
        return;
      }
      found = true;
      file.on('data', (chunk: Buffer) => chunks.push(chunk));
      file.on('limit', () => {
        chunks.length = 0;
        fail(bodyTooLarge(undefined, mostBytes));
      });
    });
    parser.on('field', (name, value, { nameTruncated, valueTruncated }) => {
      if (nameTruncated) fail(new KindredError('invalid-request', 'a form field has a name longer than 100 bytes'));
      else if (valueTruncated) {
        const message = `${name} is longer than ${mostFieldBytes} bytes`;
        fail(new KindredError('invalid-option', message, { field: name }));
      } else fields.set(name, fields.has(name) ? [fields.get(name), value] : value);
    });
    parser.on('filesLimit', () => fail(oneFile()));
    parser.on('fieldsLimit', () => fail(tooMany('fields')));
    parser.on('partsLimit', () => fail(tooMany('parts')));
    parser.on('error', (error) => fail(unreadable(error)));
    parser.on('close', () => {
      if (found) resolve({ fields: Object.fromEntries(fields), image: Buffer.concat(chunks) });
      else {
        const message = 'image is missing: send the picture in the form field image';
        reject(new KindredError('invalid-option', message, { field: 'image' }));
      }
    });
    request.on('error', (error) => fail(unreadable(error)));
    request.on('close', () => {
      if (!request.complete) fail(unreadable());
    });
    request.pipe(parser);
  });
}
