import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorCodes } from '../../src/core/errors.js';

it('docs/errors.md lists every code with its exit code and status, in order, with a meaning and a remedy', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const documented = rows.map(([, code, exit, http]) => [code, exit, http]);
  const inCode = Object.entries(errorCodes).map(([code, { exit, http }]) => [`\`${code}\``, `${exit}`, `${http}`]);
  expect(documented).toEqual(inCode);
  for (const [, , , , meaning = '', remedy = ''] of rows) {
    expect(Math.min(meaning.length, remedy.length)).toBeGreaterThan(8);
  }
});
