import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { isInstalled } from '../../src/core/packages.js';

interface Outcome {
  readonly exit: number | null;
  readonly stderr: string;
}

/** `kindred train` of nothing on a backend: the backend is looked at first. */
function trainOn(backend: string, ...more: string[]): Promise<Outcome> {
  const words = ['train', '--data', 'no-such-data', '--out', 'no-such-model', '--backend', backend, ...more];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['bin/kindred.js', ...words], (_, __, stderr) =>
      resolve({ exit: child.exitCode, stderr }),
    );
  });
}

test.skipIf(isInstalled('@tensorflow/tfjs-node'))('a backend that is absent ends the run with advice', async () => {
  const { exit, stderr } = await trainOn('tfjs-node');
  expect(exit).toBe(1);
  expect(stderr).toContain('[backend-unavailable]: the backend tfjs-node is not installed');
  expect(stderr).toContain('npm install @tensorflow/tfjs-node@4.22');
  expect(stderr).toContain('Node older than 23');
});

test('webgpu runs on a real adapter, says which software one it refuses, or that there is none', async () => {
  const { exit, stderr } = await trainOn('webgpu');
  expect(exit).toBe(1);
  expect(stderr).toMatch(/only a software adapter here: \S+|no adapter|not installed|\[file-not-found\]/);
  const allowed = await trainOn('webgpu', '--allow-software-gpu');
  expect(allowed.exit).toBe(1);
  expect(allowed.stderr).not.toContain('only a software adapter');
});

test('an unknown backend is refused with the known ones', async () => {
  const { exit, stderr } = await trainOn('webgpuu');
  expect(exit).toBe(2);
  expect(stderr).toContain('Known: auto, onnx, tfjs-node-gpu, tfjs-node, webgpu, wasm, cpu.');
});
