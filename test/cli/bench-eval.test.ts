import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEvalBench } from '../../src/cli/bench/eval-bench.js';
import { makeEvalJob, readEvalJob, writeEvalJob } from '../../src/cli/bench/eval-job.js';
import { benches } from '../../src/cli/bench/registry.js';
import { silent } from '../../src/core/progress.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kindred-bench-eval-'));
});
afterEach(() => rm(folder, { recursive: true }));

const size = { images: 700, classes: 130, dimension: 16 };

describe('bench eval', () => {
  it('hands both sides the same rows', async () => {
    const job = makeEvalJob(size, 50);
    await writeEvalJob(folder, job);
    expect(await readEvalJob(folder)).toEqual(job);
    expect([job.queries.labels.length, new Set(job.gallery.labels).size]).toEqual([50, 130]);
  });

  it('finds what NumPy finds, where there is one, and measures its memory', async () => {
    const bench = createEvalBench({ size, queryCount: 600 });
    const rows = await bench.run({
      images: [],
      threads: 1,
      runs: 1,
      folder,
      progress: silent,
      signal: new AbortController().signal,
    });
    // A side that found something else would have thrown.
    expect(rows.map(({ name }) => name)).toEqual([
      'eval.k10-vs-numpy',
      'eval.full-ranking-vs-numpy',
      'eval.memory-mib',
    ]);
    for (const row of rows.slice(0, 2)) {
      if ('skipped' in row) expect(row.skipped).toMatch(/no python with NumPy/);
      else expect(row.ratio).toBeGreaterThan(0);
    }
    expect(rows[2]).toMatchObject({ unit: 'MiB', goal: { is: 'at most', must: 1024 } });
  });

  it('is one of the benches', () => {
    expect(benches.names).toContain('eval');
  });
});
