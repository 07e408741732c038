import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

/** Worker threads and the real binary run from dist/: build it once before any test. KINDRED_TEST_NO_BUILD=1 skips it. */
export function setup(): void {
  if (process.env['KINDRED_TEST_NO_BUILD'] === '1') return;
  rmSync('dist/tsconfig.build.tsbuildinfo', { force: true });
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
