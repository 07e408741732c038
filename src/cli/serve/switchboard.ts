import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ServerApp } from '../../server/app.js';

export interface Switchboard<Generation extends { readonly app: ServerApp }> extends ServerApp {
  /** What new requests go to. */
  readonly current: () => Generation;
  /** New requests go to `next`; resolves when the last one of what was current is answered. */
  readonly replace: (next: Generation) => Promise<void>;
}

/**
 * Sends each request, from its first byte to its last, to one generation of the server's parts: a model, its catalogue
 * and the app over them. So nothing is mixed when they are replaced, and nobody is sent away.
 */
export function createSwitchboard<Generation extends { readonly app: ServerApp }>(
  first: Generation,
): Switchboard<Generation> {
  let current = first;
  let draining = false;
  const open = new Map<Generation, number>();
  const waiting = new Map<Generation, () => void>();

  const leave = (generation: Generation): void => {
    const left = (open.get(generation) ?? 1) - 1;
    open.set(generation, left);
    if (left > 0) return;
    open.delete(generation);
    waiting.get(generation)?.();
    waiting.delete(generation);
  };

  const handler: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    const generation = current;
    open.set(generation, (open.get(generation) ?? 0) + 1);
    response.once('close', () => leave(generation));
    generation.app.handler(request, response);
  };

  return {
    handler,
    drain() {
      draining = true;
      current.app.drain();
    },
    current: () => current,
    async replace(next) {
      const previous = current;
      if (draining) next.app.drain();
      current = next;
      if ((open.get(previous) ?? 0) === 0) return;
      await new Promise<void>((resolve) => waiting.set(previous, resolve));
    },
  };
}
