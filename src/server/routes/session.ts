import { KindredError } from '../../core/errors.js';
import { type Access, identify, keyIn } from '../access/access.js';
import { refuseKey } from '../access/guard.js';
import { clearSessionCookie, readSessionCookie, setSessionCookie } from '../access/session-cookie.js';
import type { ReadBody } from '../middleware/body.js';
import type { Route } from '../route.js';
import { parseRequest } from '../schemas/issues.js';
import { noQuerySchema } from '../schemas/requests.js';
import { bodyErrors } from './body-errors.js';
import { loginRequestSchema, sessionResponseSchema } from '../schemas/session.js';

/** Logging in, for the page: pictures in it cannot send a header, so a cookie stands for the key. */
export function sessionRoutes(access: Access, readBody: ReadBody): Route[] {
  const { keys, sessions, trail } = access;
  return [
    {
      method: 'post',
      scope: 'none',
      path: '/v1/session',
      operation: 'logIn',
      summary: 'Log in with a key: the answer sets a cookie that stands for it',
      body: { json: loginRequestSchema },
      answer: { json: sessionResponseSchema, about: 'Logged in.' },
      errors: [...bodyErrors, 'key-invalid', 'rate-limited'],
      handle: async (request, response) => {
        const body = await readBody(request, response);
        if (body.kind !== 'json') {
          throw new KindredError('content-type-unsupported', 'the body must be application/json');
        }
        const { key: text } = parseRequest(loginRequestSchema, body.value);
        if (keys === null) {
          throw new KindredError('invalid-option', 'this server asks for no key', { field: 'key' });
        }
        const { origin } = request.headers;
        if (origin !== undefined && access.origins.has(origin)) {
          throw new KindredError('origin-not-allowed', 'only the page of this server logs in', {
            hint: 'Send the key in a header, Authorization: Bearer KEY.',
          });
        }
        let key;
        try {
          key = keyIn(keys, text);
        } catch (error) {
          return refuseKey(access, error, request, response);
        }
        trail?.begin(request, response, { key, route: 'POST /v1/session' });
        const before = readSessionCookie(request);
        if (before !== undefined) sessions.end(before);
        const { token, endsAt } = sessions.open(key);
        setSessionCookie(request, response, token, endsAt);
        const { name, scope } = key;
        response.json(sessionResponseSchema.parse({ name, scope, expiresAt: new Date(endsAt).toISOString() }));
      },
    },
    {
      method: 'get',
      scope: 'read',
      path: '/v1/session',
      operation: 'getSession',
      summary: 'What the key or session of this request may do',
      query: noQuerySchema,
      answer: { json: sessionResponseSchema, about: 'The name of the key and its scope.' },
      errors: ['invalid-option'],
      handle: (request, response) => {
        parseRequest(noQuerySchema, request.query);
        const key = identify(access, request);
        const token = request.headers.authorization === undefined ? readSessionCookie(request) : undefined;
        const endsAt = token === undefined ? undefined : sessions.find(token)?.endsAt;
        response.json(
          sessionResponseSchema.parse({
            name: key?.name ?? null,
            scope: key?.scope ?? (access.keylessWrites ? 'admin' : 'read'),
            expiresAt: endsAt === undefined ? null : new Date(endsAt).toISOString(),
          }),
        );
      },
    },
    {
      method: 'delete',
      scope: 'none',
      path: '/v1/session',
      operation: 'logOut',
      summary: 'Log out: the session of the cookie ends',
      query: noQuerySchema,
      answer: { mediaTypes: [], status: 204, about: 'There is no session any more.' },
      errors: ['invalid-option', 'origin-not-allowed'],
      handle: (request, response) => {
        parseRequest(noQuerySchema, request.query);
        const token = readSessionCookie(request);
        if (token !== undefined) sessions.end(token);
        clearSessionCookie(request, response);
        response.status(204).end();
      },
    },
  ];
}
