import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { KindredError, writeError } from '../core/errors.js';
import { exists } from '../core/files.js';
import type { ReportProgress } from '../core/progress.js';
import { reasonOf } from './reason.js';

/** A file that its publisher serves. */
export interface Download {
  readonly url: string;
  /** Lower-case hexadecimal. */
  readonly md5: string;
}

export interface DownloadOptions {
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
  /** Milliseconds before the first further attempt; each one after it waits twice as long. */
  readonly pause?: number;
}

/** Attempts in a row that bring nothing before it is given up. */
const attempts = 4;

function failed(url: string, reason: string, cause?: unknown): KindredError {
  return new KindredError('source-missing', `could not download ${url}: ${reason}`, {
    hint: 'Run the same command again to go on where it stopped, or fetch the file elsewhere and give it: --from PATH',
    cause,
  });
}

const sizeOf = async (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** The answer's first byte in the file, or undefined where the server began anew. */
function startOf(response: Response): number | undefined {
  const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  return response.status === 206 && match ? Number(match[1]) : undefined;
}

/** One attempt: appends to `part` what is missing. Resolves when the server says that this is all. */
async function fetchRest({ url }: Download, part: string, { progress, signal }: DownloadOptions): Promise<void> {
  const have = await sizeOf(part);
  const response = await fetch(url, { signal, headers: have > 0 ? { range: `bytes=${have}-` } : {} });
  // Nothing lies beyond what is there already: whether it is right, the checksum tells.
  if (response.status === 416) return response.body?.cancel();
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    const what = `the server answered ${response.status}`;
    // A server in trouble may answer the next time; one that says no means it.
    throw response.status >= 500 ? new Error(what) : failed(url, what);
  }
  const resumed = startOf(response) === have && have > 0;
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  let bytes = resumed ? have : 0;
  const total = Number.isFinite(length) ? { total: Math.round((bytes + length) / 1e6) } : {};
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      progress({ stage: 'downloading', done: Math.round(bytes / 1e6), unit: 'MB', ...total });
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body), counter, createWriteStream(part, { flags: resumed ? 'a' : 'w' }), {
    signal,
  });
}

/**
 * Downloads a file to `target`, unless it is there already. What has come stays in `target.part` when the connection breaks or the
 * user stops it; the next attempt, or the next run, asks for the rest alone. The file appears when its checksum is right.
 * @throws KindredError source-missing, disk-full, folder-not-writable, interrupted
 */
export async function downloadFile(file: Download, target: string, options: DownloadOptions): Promise<void> {
  if (await exists(target)) return;
  const part = `${target}.part`;
  const { signal, pause = 1000 } = options;
  await mkdir(dirname(target), { recursive: true }).catch((error: unknown) => {
    throw writeError(error, target);
  });
  for (let failures = 0; ;) {
    const before = await sizeOf(part);
    try {
      await fetchRest(file, part, options);
      break;
    } catch (error) {
      if (signal.aborted)
        throw new KindredError('interrupted', `stopped; ${part} is kept to go on from`, { cause: error });
      const known = writeError(error, part);
      if (known instanceof KindredError) throw known;
      failures = (await sizeOf(part)) > before ? 0 : failures + 1;
      if (failures === attempts) throw failed(file.url, reasonOf(error), error);
      await wait(pause * 2 ** failures, undefined, { signal }).catch(() => undefined);
    }
  }
  const found = await md5Of(part);
  if (found !== file.md5) {
    await rm(part, { force: true });
    throw failed(file.url, `what came has the md5 ${found}, ${file.md5} is expected`);
  }
  await rename(part, target);
}
