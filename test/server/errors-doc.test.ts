import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorCodes, KindredError, type ErrorCode } from '../../src/core/errors.js';
import { toProblem } from '../../src/server/problem.js';

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

it('a problem says over HTTP what the table says, under a type made from its code alone', () => {
  const isCode = (name: string): name is ErrorCode => Object.hasOwn(errorCodes, name);
  for (const code of Object.keys(errorCodes).filter(isCode)) {
    const problem = toProblem(new KindredError(code, 'something', { field: 'x', hint: 'Do it.' }));
    expect(problem).toMatchObject({ code, status: errorCodes[code].http, type: `urn:kindred:problem:${code}` });
    const told = problem.status < 500 || code === 'overloaded' || code === 'timed-out';
    expect([code, problem.detail === 'something', problem.hint]).toEqual([code, told, told ? 'Do it.' : undefined]);
  }
});
