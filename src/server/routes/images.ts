import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { isSystemError } from '../../core/errors.js';
import type { CatalogueItem } from '../../indexing/catalogue.js';
import { itemNotFound } from '../../search/examples.js';
import { defaultLimits, type AppDeps } from '../deps.js';
import { openPicture } from '../picture-file.js';
import { idOf, type Route } from '../route.js';
import { parseRequest } from '../schemas/issues.js';
import { imageQuerySchema } from '../schemas/requests.js';
import { createThumbnails } from '../thumbnails.js';

async function sendOriginal(item: CatalogueItem, request: Request, response: Response): Promise<void> {
  const { file, size, type } = await openPicture(item);
  try {
    response.type(type ?? 'application/octet-stream').set('Content-Length', String(size));
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    await pipeline(file.createReadStream({ start: 0, autoClose: false }), response);
  } catch (error) {
    // The client left in the middle: nobody is there to be told.
    if (!isSystemError(error, 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
  } finally {
    await file.close();
  }
}

export function imageRoutes({ catalogue, limits }: AppDeps): Route[] {
  const thumbnails = createThumbnails(limits?.thumbnailBytes ?? defaultLimits.thumbnailBytes);

  const handle = async (request: Request, response: Response): Promise<void> => {
    const { width } = parseRequest(imageQuerySchema, request.query);
    const id = idOf(request);
    const item = await catalogue.get(id);
    if (item === null) throw itemNotFound(id);
    const format = request.accepts(['image/webp', 'image/jpeg']) === 'image/jpeg' ? 'jpeg' : 'webp';
    response.set({
      ETag: `"${item.contentHash}${width === undefined ? '' : `-${width}-${format}`}"`,
      // The address outlives the picture (an item can be replaced), so a copy is checked again before long.
      'Cache-Control': 'private, max-age=60, must-revalidate',
    });
    if (width !== undefined) response.vary('Accept');
    if (request.fresh) response.status(304).end();
    else if (width === undefined) await sendOriginal(item, request, response);
    else response.type(`image/${format}`).send(await thumbnails.get(item, { width, format }));
  };

  return [
    {
      method: 'get',
      scope: 'read',
      path: '/v1/items/:id/image',
      operation: 'getItemImage',
      summary: 'The picture of an item, or a thumbnail of it',
      query: imageQuerySchema,
      answer: {
        mediaTypes: ['image/webp', 'image/jpeg', 'image/png', 'image/avif', 'image/gif'],
        about: 'The stored picture as it is; with `width` a WebP (or JPEG where WebP is not accepted) of that width.',
      },
      tagged: true,
      errors: [
        'item-not-found',
        'image-missing',
        'image-unsupported',
        'image-unreadable',
        'invalid-option',
        'invalid-request',
        'overloaded',
      ],
      unhurried: true, // a large picture over a slow line
      handle,
    },
  ];
}
