import { createServer, type Server } from 'node:http';
import { isIPv6 } from 'node:net';
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
   * Takes no new connections, waits for the answers under way, and resolves when all are out; what is not done after
   * `graceMs` (10 s) is cut.
   */
  close(graceMs?: number): Promise<void>;
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
  const port = await listen(server, options);
  const host = isIPv6(options.host) ? `[${options.host}]` : options.host;

  const drain = async (graceMs: number): Promise<void> => {
    app.drain();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A connection that is busy now turns idle later and would be kept until its timeout.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    url: `http://${host}:${port}`,
    close: (graceMs = drainMs) => (closing ??= drain(graceMs)),
  };
}
