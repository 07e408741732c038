import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import type { AppDeps } from '../deps.js';
import type { Route } from '../route.js';
import { modelResponseSchema, statsResponseSchema } from '../schemas/api.js';

export interface AboutRouteParts extends AppDeps {
  readonly isDraining: () => boolean;
}

const healthSchema = z.object({ status: z.enum(['ok', 'ready']) });

/** What the server is, holds and how it is. */
export function aboutRoutes({ catalogue, model, truthMeter, isDraining }: AboutRouteParts): Route[] {
  return [
    {
      method: 'get',
      scope: 'read',
      path: '/v1/stats',
      operation: 'getStats',
      summary: 'What the index holds: counts, and its fields with their most frequent values',
      answer: { json: statsResponseSchema, about: 'Counts.' },
      errors: [],
      handle: async (_request, response) => {
        const truth = truthMeter?.snapshot() ?? null;
        response.json(statsResponseSchema.parse({ ...(await catalogue.stats()), truth }));
      },
    },
    {
      method: 'get',
      scope: 'read',
      path: '/v1/model',
      operation: 'getModel',
      summary: 'The model that made the index',
      answer: { json: modelResponseSchema, about: 'What its bundle says.' },
      errors: [],
      handle: (_request, response) => {
        response.json(modelResponseSchema.parse(model));
      },
    },
    {
      method: 'get',
      scope: 'none',
      path: '/healthz',
      operation: 'isAlive',
      summary: 'Whether the process answers at all',
      answer: { json: healthSchema, about: 'It does.' },
      errors: [],
      handle: (_request, response) => {
        response.json({ status: 'ok' });
      },
    },
    {
      method: 'get',
      scope: 'none',
      path: '/readyz',
      operation: 'isReady',
      summary: 'Whether to send requests here',
      answer: { json: healthSchema, about: 'Ready.' },
      errors: ['interrupted'],
      handle: (_request, response) => {
        if (isDraining()) throw new KindredError('interrupted', 'the server is stopping');
        response.json({ status: 'ready' });
      },
    },
  ];
}
