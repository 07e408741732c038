import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { KindredError } from '../../core/errors.js';
import type { ReportProgress } from '../../core/progress.js';
import { reasonOf } from '../reason.js';

/** The public repository, as one archive of about 110 MB. */
export const groceryArchive = 'https://github.com/marcusklasson/GroceryStoreDataset/archive/refs/heads/master.tar.gz';

function failed(url: string, reason: string, cause?: unknown): KindredError {
  return new KindredError('source-missing', `could not download ${url}: ${reason}`, {
    hint: 'Fetch it where there is a network, unpack it, and give the folder: --from PATH',
    cause,
  });
}

/**
 * Downloads the archive and unpacks it into `folder` with the system's tar, without its outermost folder.
 * @throws KindredError source-missing, interrupted
 */
export async function downloadGrocery(
  folder: string,
  options: { readonly progress: ReportProgress; readonly signal: AbortSignal; readonly url?: string },
): Promise<void> {
  const { progress, signal, url = groceryArchive } = options;
  await mkdir(folder, { recursive: true });
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) throw failed(url, `the server answered ${response.status}`);
    let bytes = 0;
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        progress({ stage: 'downloading', done: Math.round(bytes / 1e6), unit: 'MB' });
        done(null, chunk);
      },
    });
    const tar = spawn('tar', ['-xzf', '-', '-C', folder, '--strip-components=1'], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let complaint = '';
    tar.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    const closed = once(tar, 'close').then(() => tar.exitCode);
    const [sent, code] = await Promise.all([
      pipeline(Readable.fromWeb(response.body), counter, tar.stdin, { signal }).then(
        () => undefined,
        (error: unknown) => ({ error }),
      ),
      closed,
    ]);
    if (code !== 0) throw failed(url, `tar could not unpack it (${complaint.trim().split('\n')[0] ?? ''})`);
    if (sent) throw sent.error;
  } catch (error) {
    if (signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written', { cause: error });
    throw error instanceof KindredError ? error : failed(url, reasonOf(error), error);
  }
}
