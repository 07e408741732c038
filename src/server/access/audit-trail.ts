import type { Request, Response } from 'express';
import pino from 'pino';
import { KindredError, writeError } from '../../core/errors.js';
import type { Log } from '../log.js';
import { problemOf, requestIdOf } from '../request-id.js';
import type { KeyFacts } from './keys.js';

export interface TrailStart {
  readonly key: KeyFacts | null;
  /** The method and the path as it is declared. */
  readonly route: string;
}

/** One line for what was done, or tried, to the index: who, what, when, and how it ended. */
export interface AuditTrail {
  /** Writes the line when the answer is out. */
  begin(request: Request, response: Response, start: TrailStart): void;
  /** Opens the file again, after it was moved away. */
  reopen(): void;
  close(): Promise<void>;
}

/** What one line of a batch did; the trail is found by the answer that it belongs to. */
export interface ItemOutcome {
  readonly item: string | null;
  readonly outcome: string;
  readonly code?: string | undefined;
}

const under = new WeakMap<Response, (outcome: ItemOutcome) => void>();

/** Adds a line for one of several items of a request, where a trail is kept. */
export function traceItem(response: Response, outcome: ItemOutcome): void {
  under.get(response)?.(outcome);
}

function openFile(path: string) {
  try {
    return pino.destination({ dest: path, append: true, mkdir: true, mode: 0o600, sync: true });
  } catch (error) {
    const known = writeError(error, path);
    if (known instanceof KindredError) throw known;
    throw new KindredError('folder-not-writable', `cannot write the audit log to ${path}`, {
      hint: 'Give --audit-log the path of a file.',
      field: '--audit-log',
      cause: error,
    });
  }
}

/**
 * Appends to a file, a JSON object a line, as soon as an answer is out: only what was going out just then is not in it when
 * the process dies. Never a key, only its id and name.
 * @throws KindredError folder-not-writable, disk-full
 */
export function openAuditTrail(path: string, log: Pick<Log, 'error'>): AuditTrail {
  const file = openFile(path);
  file.on('error', (error) => log.error({ err: error }, 'the audit log could not be written'));

  const write = (line: object): void => {
    file.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
  };
  return {
    begin(request, response, { key, route }) {
      const { id: item } = request.params;
      const about = {
        requestId: requestIdOf(response),
        key: key === null ? null : { id: key.id, name: key.name },
        address: request.ip,
        route,
      };
      under.set(response, (outcome) => write({ ...about, ...outcome }));
      response.once('close', () => {
        const code = problemOf(response);
        const done = response.writableFinished && code === undefined;
        write({
          ...about,
          ...(typeof item === 'string' && { item }),
          outcome: done ? 'ok' : code === undefined ? 'cut off' : 'refused',
          status: response.statusCode,
          ...(code !== undefined && { code }),
        });
      });
    },
    reopen: () => file.reopen(),
    close: () =>
      new Promise((resolve) => {
        file.once('close', () => resolve());
        file.end();
      }),
  };
}
