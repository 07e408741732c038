import type { Express, Request, Response } from 'express';
import type { z } from 'zod';
import { KindredError, type ErrorCode } from '../core/errors.js';
import type { Guard } from './access/guard.js';
import type { Scope } from './access/scopes.js';
import { admit, type Admission, type Admitted } from './admission.js';

/**
 * One route with what /openapi.json says of it, side by side so that neither goes without the other. The schemas are
 * the ones its handler validates with.
 */
export interface Route extends Admitted {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly scope: Scope;
  /** As Express takes it: /v1/items/:id, with a colon that is none of a parameter escaped. */
  readonly path: string;
  /** Names it in clients generated from the document. */
  readonly operation: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: { readonly json: z.ZodObject; readonly form?: z.ZodObject };
  /** Of a body with one JSON document a line; `form`: the same as a form, whose parts may come any number of times. */
  readonly lines?: { readonly json: z.ZodType; readonly form: z.ZodObject };
  readonly answer:
    | { readonly lines: z.ZodType; readonly about: string }
    | { readonly json: z.ZodType; readonly about: string }
    | { readonly mediaTypes: readonly string[]; readonly about: string; readonly status?: number };
  /** The answer carries an ETag; of a GET, If-None-Match may make it 304. */
  readonly tagged?: boolean;
  /** A write that If-Match and If-None-Match may forbid. */
  readonly conditional?: boolean;
  /** It may answer 201 instead, where something is new. */
  readonly creates?: boolean;
  /** What else it may answer; 'internal' goes without saying. */
  readonly errors: readonly ErrorCode[];
}

const matched = 'kindredRoute';

/** A parameter in a path; a colon that is none is escaped. */
export const parameter = /(?<!\\):(\w+)/g;

/** /v1/items/{id}, as documents and metrics have it. */
export function templateOf(path: string): string {
  return path.replace(parameter, '{$1}').replaceAll('\\:', ':');
}

/** Marks an answer that no route gives: 'page', 'docs'. */
export function markRoute(response: Response, name: string): void {
  response.locals[matched] = name;
}

/** The template of the route that a request met; 'none' when it met none. */
export function routeOf(response: Response): string {
  const name: unknown = response.locals[matched];
  return typeof name === 'string' ? name : 'none';
}

/**
 * Registers routes, each behind the guard that its scope asks for and then in its queue, and answers 405 for what else is
 * tried on their paths.
 */
export function mountRoutes(app: Express, routes: readonly Route[], guard: Guard, admission: Admission): void {
  for (const path of new Set(routes.map((route) => route.path))) {
    const onPath = routes.filter((route) => route.path === path);
    const place = app.route(path);
    const template = templateOf(path);
    place.all((_request, response, next) => {
      response.locals[matched] = template;
      next();
    });
    for (const route of onPath) place[route.method](guard(route), admit(route, admission));
    const methods = onPath.map(({ method }) => method.toUpperCase());
    const allow = [...(methods.includes('GET') ? ['HEAD'] : []), ...methods, 'OPTIONS'].join(', ');
    place.all((request, response) => {
      response.set('Allow', allow);
      if (request.method === 'OPTIONS') {
        response.status(204).end();
        return;
      }
      throw new KindredError('method-not-allowed', `${request.method} is not possible here`, {
        hint: `Possible: ${allow}.`,
      });
    });
  }
}

/** The decoded `:id` of the path; Express decodes after matching, so that an encoded slash stays within the id. */
export function idOf(request: Request): string {
  const { id } = request.params;
  return typeof id === 'string' ? id : '';
}
