import { execFile } from 'node:child_process';

export interface Torch {
  /** The program that runs Python. */
  readonly python: string;
  readonly version: string;
}

const probe = 'import numpy, torch; print(torch.__version__)';

function versionIn(python: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(python, ['-c', probe], { timeout: 60_000 }, (error, stdout) => {
      resolve(error ? undefined : stdout.trim());
    });
  });
}

/** Programs that may have PyTorch, the user's own choice first. */
export function pythons(env: NodeJS.ProcessEnv = process.env): string[] {
  const chosen = env['KINDRED_PYTHON'];
  return chosen === undefined ? ['python3', '/usr/bin/python3'] : [chosen];
}

/** The first Python that can import PyTorch and NumPy. */
export async function findTorch(candidates: readonly string[] = pythons()): Promise<Torch | undefined> {
  for (const python of candidates) {
    const version = await versionIn(python);
    if (version !== undefined) return { python, version };
  }
  return undefined;
}

let known: Promise<Torch | undefined> | undefined;

/** As `findTorch` in the usual places, looked for once: importing PyTorch takes seconds. */
export function knownTorch(): Promise<Torch | undefined> {
  return (known ??= findTorch());
}

export const noTorch =
  'no python with torch: apt-get install python3-torch (Debian), or name a Python that has it in KINDRED_PYTHON';
