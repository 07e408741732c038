import { readFile } from 'node:fs/promises';
import { Agent, request as send } from 'node:http';
import { isSystemError } from '../../src/core/errors.js';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly type?: string;
  readonly body?: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** It ends its connection. */
  readonly last: boolean;
}

export function exchange(agent: Agent, port: number, { method, path, type, body }: Call): Promise<Answer> {
  const headers = {
    ...(type !== undefined && { 'content-type': type }),
    ...(body !== undefined && { 'content-length': body.length }),
  };
  return new Promise((resolve, reject) => {
    const sent = send({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('aborted', () => reject(new Error('the answer was cut off')));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString(),
          last: response.headers.connection === 'close',
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export interface LoadResult {
  readonly answered: number;
  /** Anything but an answer below 500; and a connection refused while the server was said to be there. */
  readonly failures: readonly string[];
  /** New connections reset where the next one was refused. See `loadUntilTold`. */
  readonly resetAtClose: number;
}

export interface Client {
  readonly port: number;
  readonly next: () => Call;
  readonly onAnswer: (call: Call, answer: Answer) => void;
}

/**
 * One client on a kept-alive connection, one call after another. A patient one stops when an answer ends its connection, as
 * what sits behind a load balancer does when /readyz says no. A stubborn one connects again and again until it is refused:
 * then the last connection may meet the closing of the listening socket, which the system answers with a reset.
 */
export async function loadUntilTold(client: Client, stubborn: boolean): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const failures: string[] = [];
  let answered = 0;
  let reset: string | undefined;
  for (;;) {
    const call = client.next();
    const name = `${call.method} ${call.path}`;
    try {
      const answer = await exchange(agent, client.port, call);
      if (reset !== undefined) failures.push(reset); // and the server still was there
      answered++;
      reset = undefined;
      if (answer.status >= 500) failures.push(`${name}: ${answer.status} ${answer.text}`);
      client.onAnswer(call, answer);
      if (answer.last && !stubborn) break;
    } catch (error) {
      const atTheEnd = stubborn && answered > 0;
      if (atTheEnd && isSystemError(error, 'ECONNREFUSED')) break;
      if (reset !== undefined) failures.push(reset);
      reset = `${name}: ${String(error)}`;
      if (atTheEnd && isSystemError(error, 'ECONNRESET')) continue;
      failures.push(reset);
      break;
    }
  }
  agent.destroy();
  return { answered, failures, resetAtClose: reset === undefined ? 0 : 1 };
}

/** Memory of a process that is resident. Linux alone. */
export async function residentMiB(pid: number | undefined): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
