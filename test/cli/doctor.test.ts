import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runDoctor } from '../../src/cli/commands/doctor.js';
import { addonCheck, type AddonProbes } from '../../src/cli/doctor/addon-check.js';
import { backendCheck } from '../../src/cli/doctor/backend-check.js';
import type { Check, Finding } from '../../src/cli/doctor/check.js';
import { diskCheck } from '../../src/cli/doctor/checks/disk.js';
import { memoryCheck } from '../../src/cli/doctor/checks/memory.js';
import { nodeCheck } from '../../src/cli/doctor/checks/node.js';
import { missingPrograms } from '../../src/cli/doctor/installed.js';
import { allChecks } from '../../src/cli/doctor/list.js';
import { runChecks } from '../../src/cli/doctor/run-checks.js';
import { runProbeFile } from '../../src/cli/doctor/run-probe.js';
import { isInstalled } from '../../src/core/packages.js';
import { collect } from './collect.js';

function check(changes: Partial<Check> & { readonly finding?: Finding }): Check {
  const finding = changes.finding ?? { usable: true, detail: 'fine' };
  return { name: 'it', area: 'machine', needed: 'always', run: () => Promise.resolve(finding), ...changes };
}
const broken: Finding = { usable: false, detail: 'broken', fix: 'mend it' };

describe('runChecks', () => {
  it('is ready when all that is needed is usable, whatever else is absent', async () => {
    const report = await runChecks([
      check({}),
      check({ needed: 'never', finding: broken }),
      check({ area: 'backend', needed: 'one-of', finding: broken }),
      check({ area: 'backend', needed: 'one-of' }),
    ]);
    expect(report.problems).toEqual([]);
    expect(report.ready).toBe(true);
  });

  it.each([
    ['a needed thing is broken', [check({ name: 'sharp', finding: broken })], ['sharp: broken']],
    [
      'none of a choice is usable',
      [check({}), check({ area: 'backbone', needed: 'one-of', finding: broken })],
      ['no usable backbone: one of them is needed'],
    ],
  ] as const)('is not ready when %s', async (_, checks, problems) => {
    expect(await runChecks(checks)).toMatchObject({ ready: false, problems });
  });

  it('survives checks that throw, reject or never answer', async () => {
    const thrower = check({
      run: () => {
        throw new Error('thrown');
      },
    });
    const rejecting = check({ run: () => Promise.reject(new Error('rejected')) });
    const hanging = check({ run: () => new Promise(() => undefined) });
    const { checks } = await runChecks([thrower, rejecting, hanging, check({})], { limitMs: 50 });
    expect(checks.map(({ usable, detail }) => [usable, detail])).toEqual([
      [false, 'the check failed: thrown'],
      [false, 'the check failed: rejected'],
      [false, 'no answer within 0.05 s'],
      [true, 'fine'],
    ]);
  });
});

describe('addonCheck', () => {
  const addon = { name: 'better-sqlite3', compiles: true };
  const probes = (message: string, missing: string[] = []): AddonProbes => ({
    isInstalled: () => true,
    missingPrograms: () => Promise.resolve(missing),
    runProbe: () => Promise.resolve({ ok: false, message }),
  });

  it('passes on what the addon says of itself', async () => {
    const good = { ...probes(''), runProbe: () => Promise.resolve({ ok: true, detail: 'SQLite 3' } as const) };
    expect(await addonCheck(addon, good).run()).toEqual({ usable: true, detail: 'SQLite 3' });
  });

  it('says how to install what is not there', async () => {
    const absent = { ...probes(''), isInstalled: () => false };
    expect(await addonCheck(addon, absent).run()).toEqual({
      usable: false,
      detail: 'not installed',
      fix: 'npm install better-sqlite3',
    });
  });

  it.each([
    [
      'Could not locate the bindings file. Tried:\n → a\n → b',
      ['g++'],
      /^install g\+\+ first .* then npm rebuild better-sqlite3/,
    ],
    [
      'Could not locate the bindings file. Tried:\n → a',
      [],
      /^npm rebuild better-sqlite3\..* npm approve-scripts better-sqlite3/,
    ],
    [
      'was compiled against a different Node.js version using\nNODE_MODULE_VERSION 108',
      [],
      /another Node version: npm rebuild/,
    ],
    ["/lib/libc.so.6: version `GLIBC_2.38' not found", [], /glibc/],
  ])('turns %j into what to do', async (message, missing, fix) => {
    const finding = await addonCheck(addon, probes(message, missing)).run();
    expect(finding.usable).toBe(false);
    expect(finding.detail).toBe(message.split('\n')[0]);
    expect(finding.fix).toMatch(fix);
  });
});

describe('backendCheck', () => {
  const backend = {
    name: 'webgpu',
    packages: ['webgpu', 'other'],
    needed: 'one-of',
    note: 'it needs a driver',
  } as const;

  it('names the absent packages and the command that brings them', async () => {
    const probes = {
      isInstalled: (name: string) => name === 'other',
      runProbe: () => Promise.reject(new Error('must not run')),
    };
    expect(await backendCheck(backend, probes).run()).toEqual({
      usable: false,
      detail: 'not installed: webgpu',
      fix: 'npm install webgpu (it needs a driver)',
    });
  });

  it('asks for versions that fit, where they are known', async () => {
    const probes = { isInstalled: () => false, runProbe: () => Promise.reject(new Error('must not run')) };
    const finding = await backendCheck({ ...backend, install: 'webgpu@0.6 other@4' }, probes).run();
    expect(finding.fix).toBe('npm install webgpu@0.6 other@4 (it needs a driver)');
  });

  it('passes on what kindred itself found wrong, and its advice', async () => {
    const message = 'the backend webgpu has only a software adapter here: llvmpipe';
    const answer = { ok: false, message, fix: 'install a driver' } as const;
    const finding = await backendCheck(backend, {
      isInstalled: () => true,
      runProbe: () => Promise.resolve(answer),
    }).run();
    expect(finding).toEqual({
      usable: false,
      detail: 'has only a software adapter here: llvmpipe',
      fix: 'install a driver',
    });
  });

  it('gives the reason when it is there and does not work', async () => {
    const asked: string[] = [];
    const runProbe = (name: string) => {
      asked.push(name);
      return Promise.resolve({ ok: false, message: 'no adapter\nat somewhere' } as const);
    };
    const finding = await backendCheck(backend, { isInstalled: () => true, runProbe }).run();
    expect(finding).toEqual({ usable: false, detail: 'no adapter', fix: 'it needs a driver' });
    expect(asked).toEqual(['backend-webgpu']);
  });
});

describe('the machine', () => {
  it.each([
    ['20.18.3', false],
    ['20.19.0', true],
    ['18.20.0', false],
    ['22.0.0', true],
    ['26.1.0', true],
  ])('Node %s is usable: %s', async (version, usable) => {
    const finding = await nodeCheck(version).run();
    expect(finding.usable).toBe(usable);
    expect(finding.fix).toBe(usable ? undefined : 'install Node 20.19 or newer');
  });

  it('needs 2 GiB of memory', async () => {
    const gib = 2 ** 30;
    expect(await memoryCheck(() => ({ total: gib, free: gib / 2 })).run()).toMatchObject({
      usable: false,
      detail: '1.0 GiB, 0.5 GiB free',
    });
    expect((await memoryCheck(() => ({ total: 2 * gib, free: 0 })).run()).usable).toBe(true);
  });

  it('does not fall over a folder that is not there', async () => {
    const { checks } = await runChecks([diskCheck(join(tmpdir(), 'kindred-no-such-folder'))]);
    expect(checks[0]).toMatchObject({ usable: false, detail: /ENOENT/ });
  });

  it('knows what is installed and what is on the PATH', async () => {
    expect(['sharp', '@tensorflow/tfjs-core', 'kindred-no-such-package'].map(isInstalled)).toEqual([true, true, false]);
    expect(await missingPrograms(['node', 'kindred-no-such-program'])).toEqual(['kindred-no-such-program']);
  });
});

describe('runProbeFile', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'kindred-probe-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const probe = async (code: string, timeout?: number) => {
    const file = join(folder, 'probe.cjs');
    writeFileSync(file, code);
    return runProbeFile(file, timeout);
  };

  it('reads the answer between what libraries print', async () => {
    const code = `console.log('hello'); console.log('kindred-probe:{"ok":true,"detail":"1.2"}'); console.log('bye')`;
    expect(await probe(code)).toEqual({ ok: true, detail: '1.2' });
  });

  it.each([
    ['a crash', `process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000)`, /^crashed \(SIGSEGV\)/],
    ['an early end', `console.error('no such symbol'); process.exit(3)`, 'ended with code 3: no such symbol'],
  ])('reports %s of the process', async (_, code, message) => {
    expect(await probe(code)).toMatchObject({ ok: false, message });
  });

  it('gives up on a process that hangs', async () => {
    expect(await probe('setInterval(() => {}, 1000)', 300)).toEqual({ ok: false, message: 'no answer within 0.3 s' });
  });
});

describe('kindred doctor', () => {
  it('prints the findings by area, what to do, and the verdict', async () => {
    const { context, out } = collect();
    const checks = [
      check({ name: 'node' }),
      check({ name: 'sharp', area: 'addon', finding: broken }),
      check({ name: 'webgpu', area: 'backend', needed: 'never', finding: broken }),
    ];
    expect(await runDoctor(context, checks, {})).toBe(false);
    expect(out.join('\n').split('\n')).toEqual([
      'Machine',
      '  ✓ node                fine',
      '',
      'Native addons',
      '  ✗ sharp               broken',
      '                        → mend it',
      '',
      'Training backends',
      '  – webgpu              broken',
      '                        → mend it',
      '',
      'Not ready:',
      '  sharp: broken',
    ]);
  });

  it('prints nothing but one JSON document with --json', async () => {
    const { context, out, events } = collect();
    expect(await runDoctor(context, [check({ name: 'node' })], { json: true })).toBe(true);
    expect(out).toHaveLength(1);
    expect(JSON.parse(out[0] ?? '')).toMatchObject({
      ready: true,
      problems: [],
      checks: [{ name: 'node', usable: true }],
    });
    expect(events).toHaveLength(1);
  });

  it('finds this machine, on which the tests run, able to do the main job', async () => {
    const report = await runChecks(allChecks(process.cwd()));
    const byName = new Map(report.checks.map((result) => [result.name, result]));
    expect(report.problems).toEqual([]);
    for (const name of [
      'sharp',
      'onnxruntime-node',
      'better-sqlite3',
      'hnswlib-node',
      'onnx',
      'wasm',
      'nsfwjs-mobilenet-v2',
    ]) {
      expect(byName.get(name), name).toMatchObject({ usable: true });
    }
    const details = z.array(z.string().min(1));
    expect(details.safeParse(report.checks.map(({ detail }) => detail)).success).toBe(true);
  });
});
