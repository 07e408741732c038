import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silent } from '../../src/core/progress.js';
import { createIndex } from '../../src/indexing/folder/create.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { createSnapshot } from '../../src/indexing/snapshot/create.js';
import { verifySnapshot } from '../../src/indexing/snapshot/verify.js';
import { newItem } from '../contracts/catalogue.js';
import { clustered } from '../indexing/helpers.js';
import { record, scaleOf } from './scale.js';

/** Faults of each kind and operation: every so-manieth call, all of them in a soak. */
const most = scaleOf('KINDRED_SOAK_FAULTS', 1);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const bin = here('../../bin/kindred.js');
const work = { progress: silent, signal: new AbortController().signal };
const puts = 3;
const before = 30;

const allKinds: Readonly<Record<string, readonly ('ENOSPC' | 'EIO' | 'EACCES')[]>> = {
  write: ['ENOSPC', 'EIO'],
  fsync: ['EIO'],
  rename: ['EACCES', 'EIO'],
  open: ['EACCES', 'ENOSPC'],
};
const kinds = most > 1 ? allKinds : ({ write: ['ENOSPC'], fsync: ['EIO'] } as const);

let root: string;
let original: string;
let kept: string;

function build(): string | undefined {
  const file = join(tmpdir(), `kindred-faults-${process.pid}.so`);
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-o', file, here('faults.c'), '-ldl'], { stdio: 'ignore' });
    execFileSync(process.execPath, ['-e', ''], { env: { ...process.env, LD_PRELOAD: file }, stdio: 'ignore' });
    return file;
  } catch {
    return undefined;
  }
}
const shim = build();

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly calls: number;
}

async function run(args: readonly string[], fault: Readonly<Record<string, string | number>>): Promise<Ran> {
  const log = join(root, 'count');
  await rm(log, { force: true });
  const env = { ...process.env, LD_PRELOAD: shim, FAULT_ROOT: root, FAULT_LOG: log };
  const told = Object.entries(fault).map(([name, value]): [string, string] => [`FAULT_${name}`, String(value)]);
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...args],
      { env: { ...env, ...Object.fromEntries(told) }, timeout: 60_000 },
      (_error, stdout, stderr) => {
        const calls = existsSync(log) ? readFile(log, 'utf8').then(Number) : Promise.resolve(NaN);
        void calls.then((count) => resolve({ code: child.exitCode, out: stdout + stderr, calls: count }));
      },
    );
  });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kindred-faults-'));
  const bundleFolder = join(root, 'bundle');
  await mkdir(bundleFolder);
  await writeFile(join(bundleFolder, 'bundle.json'), '{}');
  original = join(root, 'original');
  const index = await createIndex(original, { bundleFolder, fingerprint: 'model', dimension: 8 });
  await index.catalogue.put(clustered(before, 8, 5, 1).map((embedding, i) => newItem(`old ${i}`, embedding)));
  await index.catalogue.settled();
  await index.close();
  kept = join(root, 'kept');
  await createSnapshot(original, kept, work);
});
afterAll(async () => {
  await rm(root, { recursive: true });
  if (shim !== undefined) await rm(shim);
});

/** Opens what a fault left behind: everything from before is there, and everything acknowledged with its picture. */
async function checkIndex(folder: string, out: string): Promise<{ readonly kept: number }> {
  const index = await openIndex(folder);
  try {
    const { items } = await index.catalogue.scan({ limit: 1000 });
    const there = new Map(items.map((item) => [item.id, item]));
    for (let i = 0; i < before; i++) expect(there.has(`old ${i}`), `old ${i}`).toBe(true);
    let kept = 0;
    for (let n = 1; n <= puts; n++) {
      const item = there.get(`item ${n}`);
      if (out.includes(`ok ${n}\n`)) expect(item, `item ${n} was acknowledged`).toBeDefined();
      else if (item !== undefined) kept++;
      if (item === undefined) continue;
      expect(await readFile(item.imagePath ?? '', 'utf8')).toBe(`picture ${n}`);
    }
    const [nearest] = await index.catalogue.search(clustered(before, 8, 5, 1)[0] ?? new Float32Array(8), { limit: 1 });
    expect(nearest?.item.id).toBe('old 0');
    return { kept };
  } finally {
    await index.close();
  }
}

interface Operation {
  readonly args: (index: string, out: string) => readonly string[];
  /** Before it, to the copy of the index. */
  readonly prepare?: (index: string) => Promise<void>;
  /** @returns whether it said that it failed */
  readonly check: (ran: Ran, index: string, out: string) => Promise<boolean>;
}

const failed = /failed \w+ [a-z-]+ \S/;

const operations: Readonly<Record<string, Operation>> = {
  put: {
    args: (index) => [here('stored-puts.js'), index, String(puts)],
    check: async ({ out }, index) => {
      await checkIndex(index, out);
      return failed.test(out) || /error \[/.test(out) || out.includes('KindredError');
    },
  },
  'building a graph': {
    prepare: (index) => rm(join(index, 'versions', '1', 'graph.json')),
    args: (index) => [here('stored-puts.js'), index, '0'],
    check: async ({ out }, index) => {
      await checkIndex(index, out);
      return failed.test(out) || out.includes('KindredError');
    },
  },
  restore: {
    args: (index) => [bin, 'snapshot', 'restore', kept, '--out', index],
    check: async ({ code, out }, index) => {
      await checkIndex(index, '');
      if (code !== 0) expect(out).toMatch(/error \[[a-z-]+\]/);
      return code !== 0;
    },
  },
  snapshot: {
    args: (index, out) => [bin, 'snapshot', 'create', index, '--out', out],
    check: async ({ code, out }, index, snapshot) => {
      await checkIndex(index, '');
      if (code === 0) await verifySnapshot(snapshot, work);
      else {
        expect(out).toMatch(/error \[[a-z-]+\]/);
        expect(existsSync(snapshot), 'half a snapshot was left').toBe(false);
      }
      return code !== 0;
    },
  },
};

describe.skipIf(shim === undefined)('a failing disk', () => {
  for (const [name, operation] of Object.entries(operations)) {
    it(`in ${name} is told, and what was there stays`, { timeout: 120_000 + most * 60_000 }, async () => {
      let [at, runs, told] = [0, 0, 0];
      const attempt = async (fault: Readonly<Record<string, string | number>>): Promise<Ran> => {
        const [index, out] = [join(root, `index ${++at}`), join(root, `out ${at}`)];
        await cp(original, index, { recursive: true, verbatimSymlinks: true });
        await operation.prepare?.(index);
        const ran = await run(operation.args(index, out), fault);
        const what = `${JSON.stringify(fault)}: ${ran.out.slice(0, 600)}`;
        expect(ran.code, what).not.toBeNull(); // killed by a signal, or hanging
        const said = await operation.check(ran, index, out).catch((error: unknown) => {
          throw new Error(what, { cause: error });
        });
        if (fault['AT'] === 0) expect(said, what).toBe(false);
        else if (said) told++;
        // Without the fault it works.
        if (fault['AT'] !== 0 && (most > 1 || fault['KIND'] === 'fsync')) {
          const again = await run(operation.args(index, `${out} again`), {});
          expect(again.code, `again after ${what}: ${again.out.slice(0, 600)}`).toBe(0);
          expect(again.out).not.toMatch(failed);
        }
        await rm(index, { recursive: true });
        return ran;
      };
      for (const [kind, errors] of Object.entries(kinds)) {
        const { calls } = await attempt({ KIND: kind, AT: 0 });
        const step = Math.max(1, Math.ceil(calls / most));
        for (const error of errors) {
          for (let n = 1 + Math.floor(step / 2); n <= calls; n += step) {
            runs++;
            await attempt({ KIND: kind, AT: n, ERRNO: constants.errno[error] });
          }
        }
      }
      expect(told).toBeGreaterThan(0);
      record({ test: `a failing disk in ${name}`, faults: runs, told, lost: 0, crashes: 0 });
    });
  }
});
