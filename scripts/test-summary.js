// Prints "tests: N passed, M failed, K skipped" from a Vitest JSON report. Where the shared data is present, a skipped test
// that test/allowed-skips.txt does not name fails the run: a check that quietly stops running is no check.
import { existsSync, readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const allowed = readFileSync(new URL('../test/allowed-skips.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'));
const tests = report.testResults.flatMap((file) => file.assertionResults);
const skipped = tests.filter((test) => ['skipped', 'pending', 'todo', 'disabled'].includes(test.status));
const failed = tests.filter((test) => test.status === 'failed').length;
const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
const unnamed = skipped.filter((test) => !allowed.some((name) => test.fullName.includes(name)));
let bad = broken.length;
for (const file of broken) console.log(`could not run: ${file.name}`);
if (existsSync(new URL('../../shared', import.meta.url))) {
  for (const test of unnamed) console.log(`skipped, and not in test/allowed-skips.txt: ${test.fullName}`);
  bad += unnamed.length;
}
const passed = tests.filter((test) => test.status === 'passed').length;
console.log(`tests: ${passed} passed, ${failed + broken.length} failed, ${skipped.length} skipped`);
process.exitCode = failed + bad > 0 ? 1 : 0;
