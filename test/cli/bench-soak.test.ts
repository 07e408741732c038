import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { growthOf, sampleSteps, soakTraining } from '../../src/cli/bench/train-soak.js';

describe('the soak', () => {
  it('reads memory after step 50, every 100 and the last', () => {
    expect(sampleSteps(350)).toEqual([50, 100, 200, 300, 350]);
    expect(sampleSteps(100)).toEqual([50, 100]);
    expect(sampleSteps(2000)).toHaveLength(21);
  });

  it('allows no tensor and 2 % of memory', () => {
    const at = (step: number, rssMiB: number, tensors: number) => ({ step, rssMiB, tensors });
    expect(growthOf([at(50, 100, 7), at(100, 150, 9), at(200, 102, 7)])).toMatchObject({ tensors: 0, met: true });
    expect(growthOf([at(50, 100, 7), at(200, 102.1, 7)]).met).toBe(false);
    expect(growthOf([at(50, 100, 7), at(200, 90, 8)])).toMatchObject({ tensors: 1, met: false });
    expect(growthOf([]).met).toBe(false);
  });

  it('writes a line a sample, and keeps what was there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kindred-soak-test-'));
    try {
      const out = join(folder, 'results', 'soak.jsonl');
      const said: string[] = [];
      const tiny = { steps: 52, inputSize: 32, classesPerBatch: 2, imagesPerClass: 2, threads: 1, backend: 'onnx' };
      const growth = await soakTraining({ ...tiny, out, say: (line) => said.push(line) });
      const lines = (await readFile(out, 'utf8')).trim().split('\n');
      expect(lines).toEqual(said);
      const entries = lines.map((line): unknown => JSON.parse(line));
      expect(entries).toHaveLength(4);
      expect(entries[0]).toMatchObject({ soak: tiny });
      expect(entries[1]).toMatchObject({ step: 50 });
      expect(entries[2]).toMatchObject({ step: 52 });
      expect(entries[3]).toEqual({ growth });
      expect(growth.tensors).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
