import { Buffer } from 'node:buffer';
import type { Response } from 'express';

/**
 * As `response.json`, for the answers that come most: the text stays a text, so that Node writes it in one piece with the
 * headers, where Express makes a buffer of it.
 */
export function sendJson(response: Response, value: unknown): void {
  const text = JSON.stringify(value);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
