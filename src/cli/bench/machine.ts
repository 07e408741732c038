import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../core/files.js';
import { version } from '../../core/version.js';
import { packageFolder } from '../../core/packages.js';
import { knownTorch } from './train-python.js';

export interface Machine {
  readonly cpu: string;
  /** Cores this process may use. */
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  readonly kindred: string;
  /** Versions of what computes. */
  readonly runtimes: Readonly<Record<string, string>>;
}

const packages = { 'ONNX Runtime': 'onnxruntime-node', 'TF.js': '@tensorflow/tfjs-core', sharp: 'sharp' };
const packageJson = z.object({ version: z.string() });

async function versionOf(name: string): Promise<string> {
  const folder = packageFolder(name);
  return folder === undefined
    ? 'not installed'
    : packageJson.parse(await readJson(join(folder, 'package.json'))).version;
}

/** @param withTorch look for PyTorch too, which takes seconds */
export async function describeMachine({ withTorch }: { readonly withTorch: boolean }): Promise<Machine> {
  const runtimes = await Promise.all(
    Object.entries(packages).map(async ([title, name]) => [title, await versionOf(name)] as const),
  );
  const torch = withTorch ? await knownTorch() : undefined;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    platform: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    kindred: version,
    runtimes: { ...Object.fromEntries(runtimes), ...(torch ? { PyTorch: torch.version } : {}) },
  };
}
