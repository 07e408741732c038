import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { createIndex } from '../../src/indexing/folder/create.js';
import { record, scaleOf } from './scale.js';

const puts = scaleOf('KINDRED_SOAK_SYNCS', 25);
const script = fileURLToPath(new URL('stored-puts.js', import.meta.url));

function canTrace(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true']);
    return true;
  } catch {
    return false;
  }
}

interface Call {
  readonly name: string;
  readonly args: string;
}

/** Calls of a trace in the order in which they were done; failed ones are left out. */
function* callsOf(trace: string): Generator<Call> {
  const begun = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (unfinished !== undefined) {
      begun.set(thread, unfinished);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const text = resumed === undefined ? rest : `${begun.get(thread) ?? ''}${resumed}`;
    const [, name, args = '', result = ''] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(text) ?? [];
    if (name !== undefined && !result.startsWith('-')) yield { name, args };
  }
}

/** What has to last: the database with its log, and pictures. The graph is a cache, and so is the log's index. */
const counts = /^\/(blobs\b|versions\/\d+\/catalogue\.db(-wal)?$)/;

const pathOf = (args: string): string => /^\d+<([^>]*)>/.exec(args)?.[1] ?? '';

it.skipIf(!canTrace())(
  `syncs the log, and a picture with its folder, before each of ${puts} answers`,
  { timeout: 60_000 + puts * 200 },
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'kindred-syncs-'));
    try {
      const bundleFolder = join(root, 'bundle');
      await mkdir(bundleFolder);
      await writeFile(join(bundleFolder, 'bundle.json'), '{}');
      const folder = join(root, 'index');
      await (await createIndex(folder, { bundleFolder, fingerprint: 'model', dimension: 8 })).close();
      const trace = join(root, 'trace');
      const traced = 'trace=write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat';
      const run = ['-f', '-y', '-s', '64', '-o', trace, '-e', traced, process.execPath, script, folder, String(puts)];
      const { stdout } = await promisify(execFile)('strace', run);
      expect(stdout.match(/^ok /gm)?.length, stdout.slice(0, 500)).toBe(puts);

      /** Written since they were last synced, by path. */
      const unsynced = new Set<string>();
      let synced = new Set<string>();
      let renamed: string[] = [];
      let answers = 0;
      for (const { name, args } of callsOf(await readFile(trace, 'utf8'))) {
        const path = pathOf(args);
        if (name === 'fsync' || name === 'fdatasync') {
          unsynced.delete(path);
          synced.add(path);
        } else if (name.startsWith('rename')) {
          const [from = '', to = ''] = [...args.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text);
          expect(unsynced.has(from), `${from} was renamed before it was synced`).toBe(false);
          renamed.push(to);
          unsynced.add(dirname(to));
        } else if (name.startsWith('mkdir')) {
          unsynced.add(dirname(/"([^"]*)"/.exec(args)?.[1] ?? ''));
        } else if (path.startsWith(folder)) {
          unsynced.add(path);
        } else if (args.includes('"ok ')) {
          answers++;
          const left = [...unsynced].filter((one) => counts.test(one.slice(folder.length)));
          expect(left, `not synced at answer ${answers}`).toEqual([]);
          expect(
            [...synced].some((one) => one.endsWith('catalogue.db-wal')),
            `answer ${answers}`,
          ).toBe(true);
          const picture = renamed.find((one) => one.includes('/blobs/')) ?? '';
          expect(picture, `answer ${answers}: no picture`).not.toBe('');
          expect(synced.has(dirname(picture)), `answer ${answers}: its folder`).toBe(true);
          synced = new Set();
          renamed = [];
        }
      }
      expect(answers).toBe(puts);
      record({ test: 'strace of acknowledged writes', answers, unsynced: 0 });
    } finally {
      await rm(root, { recursive: true });
    }
  },
);
