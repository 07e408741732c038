import { KindredError } from '../../core/errors.js';
import type { AppDeps } from '../deps.js';
import type { ReadBody } from '../middleware/body.js';
import type { Route } from '../route.js';
import { parseRequest } from '../schemas/issues.js';
import { noQuerySchema } from '../schemas/requests.js';
import { bodyErrors } from './body-errors.js';
import {
  type SnapshotShelf,
  snapshotRequestSchema,
  snapshotSchema,
  snapshotsResponseSchema,
} from '../schemas/snapshots.js';

/** 2026-11-25T09:30:00.000Z → 2026-11-25T09-30-00.000Z: a colon is no character for a file's name everywhere. */
function nameOfNow(): string {
  return new Date().toISOString().replaceAll(':', '-');
}

/** Copies of the index, into a folder that the server was started with; where there is none, it says how to give one. */
export function snapshotRoutes({ snapshots }: Pick<AppDeps, 'snapshots'>, readBody: ReadBody): Route[] {
  let running: string | null = null;

  const shelf = (): SnapshotShelf => {
    if (snapshots !== undefined) return snapshots;
    throw new KindredError('route-not-found', 'this server was given no folder for snapshots', {
      hint: 'Start it with --snapshots DIR, or run kindred snapshot create beside it.',
    });
  };

  return [
    {
      method: 'post',
      scope: 'admin',
      path: '/v1/snapshots',
      operation: 'createSnapshot',
      summary: 'Copy the index as it is now, while it is searched and written',
      body: { json: snapshotRequestSchema },
      answer: { json: snapshotSchema, about: 'What was written; the copy is whole and on the disk.' },
      errors: [...bodyErrors, 'route-not-found', 'snapshot-exists', 'snapshot-running', 'disk-full'],
      unhurried: true,
      handle: async (request, response) => {
        const place = shelf();
        const body = await readBody(request, response);
        if (body.kind !== 'json') {
          throw new KindredError('content-type-unsupported', 'the body must be application/json');
        }
        const { name = nameOfNow() } = parseRequest(snapshotRequestSchema, body.value);
        if (running !== null) {
          throw new KindredError('snapshot-running', `the snapshot "${running}" is being written`, {
            hint: 'Wait until GET /v1/snapshots says that none is running.',
          });
        }
        running = name;
        try {
          response.json(snapshotSchema.parse(await place.create(name)));
        } finally {
          running = null;
        }
      },
    },
    {
      method: 'get',
      scope: 'admin',
      path: '/v1/snapshots',
      operation: 'listSnapshots',
      summary: 'The snapshots that there are, and whether one is being written',
      query: noQuerySchema,
      answer: { json: snapshotsResponseSchema, about: 'Newest first.' },
      errors: ['invalid-option', 'route-not-found'],
      handle: async (request, response) => {
        parseRequest(noQuerySchema, request.query);
        const found = await shelf().list();
        response.json(snapshotsResponseSchema.parse({ snapshots: found, running }));
      },
    },
  ];
}
