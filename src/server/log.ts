import pino from 'pino';
import { keyPattern } from './access/keys.js';

export type Log = Pick<pino.Logger, 'error' | 'info'>;

/** Headers are never logged; these are for the day when somebody does. */
const secrets = ['authorization', 'cookie', 'key', 'headers.authorization', 'headers.cookie', 'body.key'];

/** A key in a line, wherever it came from (an address, a message), as far as it may be told. */
export function withoutKeys(line: string): string {
  return line.includes('kd_') ? line.replace(keyPattern, 'kd_[removed]') : line;
}

/** JSON lines on stderr: failures only, or every request as well. */
export function createLog(everyRequest: boolean, destination?: pino.DestinationStream): Log {
  return pino(
    {
      level: everyRequest ? 'info' : 'error',
      base: null,
      redact: { paths: secrets, censor: '[removed]' },
      hooks: { streamWrite: withoutKeys },
    },
    destination ?? pino.destination({ dest: 2, sync: false }),
  );
}

export const noLog: Log = pino({ enabled: false });
