import pino from 'pino';
import { keyPattern } from './access/keys.js';

export type Log = Pick<pino.Logger, 'error' | 'warn' | 'info'>;

export const logLevels = ['error', 'warn', 'info'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Headers are never logged; these are for the day when somebody does. */
const secrets = ['authorization', 'cookie', 'key', 'headers.authorization', 'headers.cookie', 'body.key'];

/** A key in a line, wherever it came from (an address, a message), as far as it may be told. */
export function withoutKeys(line: string): string {
  return line.includes('kd_') ? line.replace(keyPattern, 'kd_[removed]') : line;
}

/** JSON lines on stderr: failures alone, slow requests too, or every request. */
export function createLog(level: LogLevel, destination?: pino.DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      redact: { paths: secrets, censor: '[removed]' },
      hooks: { streamWrite: withoutKeys },
    },
    destination ?? pino.destination({ dest: 2, sync: false }),
  );
}

export const noLog: Log = pino({ enabled: false });
