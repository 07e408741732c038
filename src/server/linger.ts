import type { IncomingMessage, ServerResponse } from 'node:http';

const lookMs = 100;

/** Bounds what is read and dropped of a request whose answer is out. */
export type Linger = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * An answer can come before its request has been read, a refusal above all. Node reads and drops what is still sent, so
 * that the client sees the answer and not a reset; this bounds how much of it and for how long.
 */
export function createLinger(mostBytes: number, mostMs: number): Linger {
  return (request, response) => {
    const { socket } = request; // it leaves the request with the answer
    response.once('finish', () => {
      if (request.complete) return;
      const last = socket.bytesRead + mostBytes;
      const until = performance.now() + mostMs;
      const timer = setInterval(() => {
        if (request.complete || socket.destroyed) clearInterval(timer);
        else if (socket.bytesRead > last || performance.now() > until) socket.destroy();
      }, lookMs).unref();
    });
  };
}
