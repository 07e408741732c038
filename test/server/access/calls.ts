import request from 'supertest';
import type { ServerApp } from '../../../src/server/app.js';

export const get = (app: ServerApp, path: string, key?: string) => {
  const call = request(app.handler).get(path);
  return key === undefined ? call : call.set('authorization', `Bearer ${key}`);
};
export const logIn = (app: ServerApp, key: string) => request(app.handler).post('/v1/session').send({ key });
export const cookieOf = ({ headers }: request.Response): string => String(headers['set-cookie']);
/** name=value, as a browser sends it back. */
export const pairOf = (response: request.Response): string => cookieOf(response).split(';')[0] ?? '';
