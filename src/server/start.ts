import { createServer, type Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { setTimeout as startTimer } from 'node:timers';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { isSystemError, KindredError } from '../core/errors.js';
import type { ServerApp } from './app.js';

export interface ListenOptions {
  /** A name or an address of this machine. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

export interface RunningServer {
  readonly port: number;
  readonly url: string;
  /**
   * Says no to /readyz at once and goes on as before for `delayMs` (0 where absent), so that those who send requests here
   * hear of it; then takes no new connections, waits for the answers under way, and resolves when all are out. What is
   * not done `graceMs` (10 s) later is cut.
   */
  close(options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  readonly delayMs?: number | undefined;
  readonly graceMs?: number | undefined;
}

const headersMs = 15_000;
const requestMs = 60_000;
const idleMs = 120_000;
const keepAliveMs = 10_000;
/** How late these may be. */
const checkMs = 5000;
const mostHeaderBytes = 16 * 1024;
const drainMs = 10_000;

function listenError(error: unknown, { host, port }: ListenOptions): unknown {
  if (isSystemError(error, 'EADDRINUSE')) {
    return new KindredError('port-in-use', `port ${port} on ${host} is taken by another program`, {
      hint: 'Choose another with --port, or stop what listens there.',
      field: '--port',
      cause: error,
    });
  }
  if (isSystemError(error, 'EACCES')) {
    return new KindredError('invalid-option', `not permitted to listen on port ${port}`, {
      hint: 'Choose a port above 1023 with --port.',
      field: '--port',
      cause: error,
    });
  }
  if (isSystemError(error, 'EADDRNOTAVAIL') || isSystemError(error, 'ENOTFOUND') || isSystemError(error, 'EAI_AGAIN')) {
    return new KindredError('invalid-option', `${host} is not an address of this machine`, {
      hint: 'Use 127.0.0.1 for this machine alone, or 0.0.0.0 for its whole network.',
      field: '--host',
      cause: error,
    });
  }
  return error;
}

/**
 * Resolves right after a look for new connections that found nothing else to do, or soon anyway. The system resets what
 * has connected and was not yet taken when a listening socket closes; so there is hardly time for one to come between.
 */
async function quietMoment(mostMs = 250): Promise<void> {
  const until = performance.now() + mostMs;
  for (let before = performance.now(); before < until; before = performance.now()) {
    await setImmediate();
    if (performance.now() - before < 0.1) return;
  }
}

async function listen(server: Server, options: ListenOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(error));
    server.listen(options.port, options.host, () => resolve());
  }).catch((error: unknown) => {
    throw listenError(error, options);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : options.port;
}

/** Listens. @throws KindredError port-in-use, invalid-option */
export async function startServer(app: ServerApp, options: ListenOptions): Promise<RunningServer> {
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkMs,
      maxHeaderSize: mostHeaderBytes,
    },
    app.handler,
  );
  server.setTimeout(idleMs);
  // Whoever asks before sending a body is asked for it when there is a place for it, not before: admission.ts.
  server.on('checkContinue', app.handler);
  const port = await listen(server, options);
  const host = isIPv6(options.host) ? `[${options.host}]` : options.host;

  const drain = async ({ delayMs = 0, graceMs = drainMs }: CloseOptions): Promise<void> => {
    app.drain();
    // Meanwhile every answer ends its connection, so that none is closed on a client that is about to use it.
    if (delayMs > 0) {
      await setTimeout(delayMs);
      await quietMoment();
    }
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A connection that is busy now turns idle later and would be kept until its timeout.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const cut = startTimer(() => server.closeAllConnections(), graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    url: `http://${host}:${port}`,
    close: (options = {}) => (closing ??= drain(options)),
  };
}
