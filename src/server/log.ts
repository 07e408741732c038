import pino from 'pino';

export type Log = Pick<pino.Logger, 'error' | 'info'>;

/** JSON lines on stderr: failures only, or every request as well. */
export function createLog(everyRequest: boolean): Log {
  return pino({ level: everyRequest ? 'info' : 'error', base: null }, pino.destination({ dest: 2, sync: false }));
}

export const noLog: Log = pino({ enabled: false });
