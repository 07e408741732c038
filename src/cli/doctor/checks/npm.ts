import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Check } from '../check.js';

const run = promisify(execFile);

/** Only installing needs npm; the main job does not. */
export const npmCheck: Check = {
  name: 'npm',
  area: 'machine',
  needed: 'never',
  run: async () => {
    try {
      // On Windows npm is a script that only a shell starts.
      const { stdout } = await run('npm', ['--version'], { timeout: 20_000, shell: process.platform === 'win32' });
      return { usable: true, detail: stdout.trim() };
    } catch {
      return { usable: false, detail: 'not found', fix: 'it comes with Node; needed only to install packages' };
    }
  },
};
