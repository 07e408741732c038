import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { KindredError } from '../../core/errors.js';

const headEnd = Buffer.from('\r\n\r\n');

export interface RawAnswer {
  readonly status: number;
  /** Bytes of its body. */
  readonly size: number;
}

export interface RawConnection {
  /** Sends a whole request; resolves when its answer is there in full. One at a time. */
  ask(request: Buffer | string): Promise<RawAnswer>;
  close(): void;
}

/**
 * Requests over one kept-alive connection, with as little work for each as can be: the measured server shares the machine.
 * Only for answers with a Content-Length.
 */
export function openConnection(url: URL): RawConnection {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  let received: Buffer = Buffer.alloc(0);
  let done: ((answer: RawAnswer) => void) | undefined;
  let failed: ((error: Error) => void) | undefined;
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const headLength = received.indexOf(headEnd) + headEnd.length;
    if (headLength < headEnd.length) return;
    const head = received.toString('latin1', 0, headLength);
    const size = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN);
    if (Number.isNaN(size)) {
      failed?.(new KindredError('internal', `an answer has no Content-Length: ${head.split('\r\n')[0] ?? ''}`));
      return;
    }
    if (received.length < headLength + size) return;
    received = Buffer.alloc(0);
    done?.({ status: Number(head.slice(9, 12)), size });
  });
  socket.on('error', (error) => failed?.(error));
  socket.on('close', () => failed?.(new Error('the connection was closed')));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        [done, failed] = [resolve, reject];
        socket.write(request);
      }),
    close() {
      done = failed = undefined;
      socket.destroy();
    },
  };
}

export interface GetAllResult {
  /** Answers a second. */
  readonly rate: number;
  /** Bytes of a body, on average. */
  readonly size: number;
}

/** Gets every path once, over so many connections that each wait for one answer before they ask again. */
export async function getAll(url: string, paths: readonly string[], connections: number): Promise<GetAllResult> {
  const address = new URL(url);
  const open = Array.from({ length: connections }, () => openConnection(address));
  const waiting = paths[Symbol.iterator]();
  let bytes = 0;
  const start = performance.now();
  try {
    await Promise.all(
      open.map(async (connection) => {
        for (const path of waiting) {
          const { status, size } = await connection.ask(`GET ${path} HTTP/1.1\r\nHost: ${address.host}\r\n\r\n`);
          if (status !== 200) throw new KindredError('internal', `the measured server answered ${status} to ${path}`);
          bytes += size;
        }
      }),
    );
    return { rate: paths.length / ((performance.now() - start) / 1000), size: bytes / paths.length };
  } finally {
    for (const connection of open) connection.close();
  }
}
