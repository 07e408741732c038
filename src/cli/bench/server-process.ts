import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { KindredError } from '../../core/errors.js';

export interface ServerProcess {
  readonly url: string;
  stop(): Promise<void>;
}

const startMs = 60_000;

/** Starts `kindred serve` in a process of its own on a free port, and waits until it says where it listens. */
export async function startServerProcess(index: string, threads: number): Promise<ServerProcess> {
  const bin = fileURLToPath(new URL('../../../bin/kindred.js', import.meta.url));
  const args = [bin, 'serve', '--index', index, '--port', '0', '--threads', String(threads)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let problem = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (problem = (problem + chunk).slice(-2000)));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  const url = await new Promise<string | undefined>((resolve) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      const found = /http:\/\/[\w.:[\]]+/.exec(said)?.[0];
      if (found !== undefined && said.includes('\n')) resolve(found);
    });
    setTimeout(() => resolve(undefined), startMs).unref();
    void ended.then(() => resolve(undefined));
  });
  if (url !== undefined) return { url, stop };
  await stop();
  throw new KindredError('internal', `kindred serve did not start: ${problem.trim() || 'it said nothing'}`);
}
