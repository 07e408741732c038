import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { KindredError } from '../../core/errors.js';

const headEnd = Buffer.from('\r\n\r\n');

/**
 * GET after GET over one connection, with as little work for each as can be: the measured server shares the machine. Only
 * for answers with a Content-Length.
 */
class Connection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #done: ((size: number) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(private readonly url: URL) {
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#failed?.(error));
    this.#socket.on('close', () => this.#failed?.(new Error('the connection was closed')));
  }

  /** @returns bytes of the body */
  get(path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.url.host}\r\n\r\n`);
    });
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headLength = this.#received.indexOf(headEnd) + headEnd.length;
    if (headLength < headEnd.length) return;
    const head = this.#received.toString('latin1', 0, headLength);
    const size = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN);
    if (!head.startsWith('HTTP/1.1 200') || Number.isNaN(size)) {
      const line = head.split('\r\n')[0] ?? '';
      this.#failed?.(new KindredError('internal', `the measured server answered ${line}`));
      return;
    }
    if (this.#received.length < headLength + size) return;
    this.#received = Buffer.alloc(0);
    this.#done?.(size);
  }

  close(): void {
    this.#done = this.#failed = undefined;
    this.#socket.destroy();
  }
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
  const open = Array.from({ length: connections }, () => new Connection(address));
  const waiting = paths[Symbol.iterator]();
  let bytes = 0;
  const start = performance.now();
  try {
    await Promise.all(
      open.map(async (connection) => {
        for (const path of waiting) {
          const size = await connection.get(path);
          bytes += size;
        }
      }),
    );
    return { rate: paths.length / ((performance.now() - start) / 1000), size: bytes / paths.length };
  } finally {
    for (const connection of open) connection.close();
  }
}
