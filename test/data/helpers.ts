import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { onTestFinished } from 'vitest';
import { KindredError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';

/** A folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A picture of seeded noise, so that no two seeds give the same file. */
export function noise(seed: number, width = 40, height = 30): Sharp {
  const random = createRandom('picture', seed);
  const data = Uint8Array.from({ length: width * height * 3 }, () => Math.floor(random() * 256));
  return sharp(data, { raw: { width, height, channels: 3 } });
}

export async function writePictures(folder: string, names: readonly string[], firstSeed = 0): Promise<void> {
  for (const [index, name] of names.entries()) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(
      path,
      await noise(firstSeed + index)
        .jpeg()
        .toBuffer(),
    );
  }
}

/** The KindredError that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<KindredError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof KindredError) return outcome;
  throw new Error(`expected a KindredError, got ${String(outcome)}`);
}

export const quiet = { progress: () => undefined, signal: new AbortController().signal };
