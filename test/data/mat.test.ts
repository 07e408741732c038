import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMat } from '../../src/data/mat/mat.js';
import { failure, temporaryFolder } from './helpers.js';
import { cellArray, matFile, numberArray, structArray, textArray } from './mat-writer.js';

/** Written by scipy.io.savemat, compressed: a 1×3 struct array, a 1×3 cell array, [[1.5, -2], [3e10, 4]]. */
const byScipy =
  'TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFdlZCBOb3YgMjUgMDI6MzM6NTAgMjAyNgAAAAAAAAAAAA' +
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAAuQAAAHic42NgYKhgZmBgA9IcQMzEAAGsUD4jEDNDaW4g' +
  'TszLyy9JLMnMzyuGqmNhEITKuwBxUWoOULYsNT4zN74gsSSDISkpvyK+wpABDpJzEouLGZBASWpxCQM64ANiDwaEu1iwuEsISoOAAJSfnFgEtL' +
  'pY3wAEDPWyCtIR5hkgmceNxTxGJPNYgCFRgEUfJwF9TEAWI5n6qOZvI8r8PYeRPPczURheFPvbmDJ/n2Aiz/3MZPobBACAuStaDwAAAH4AAAB4' +
  'nONjYGAQYGRgYAPSHEAMZIIBKxKfGUpzA3FyTmJxcXxeYm5qMVgdHxAHMCD0s2DRL4VkrgCU7+ir4J6al1qUmKPgUZqbm1qkEBwapmBkYGDAAD' +
  'fXgYC5vGjmgvhBibkKzvphCs6JRen5UHMMCJjDiGIOE8PhlQwMAOyNFB0PAAAANQAAAHic42NgYAgAYjYg5oDSIMAK5TNBMSMQVgBpTiBWYICB' +
  'H/ZAYkPfB2knqMABCCXgAACcTQX5';

async function file(data: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'x.mat');
  await writeFile(path, data);
  return path;
}

describe('readMat', () => {
  it('reads what scipy writes', async () => {
    const variables = await readMat(await file(Buffer.from(byScipy, 'base64')));
    const rows = [0, 1, 2].map(
      (index) =>
        new Map<string, unknown>([
          ['relative_im_path', { kind: 'text', text: `car_ims/00000${index + 1}.jpg` }],
          ['bbox_x1', { kind: 'numbers', values: [112 + 300 * index] }],
          ['class', { kind: 'numbers', values: [index + 1] }],
          ['test', { kind: 'numbers', values: [index % 2] }],
        ]),
    );
    expect(variables.get('annotations')).toEqual({ kind: 'structs', values: rows });
    const names = ['AM General Hummer SUV 2000', 'Ram C/V Cargo', 'é'].map((text) => ({ kind: 'text', text }));
    expect(variables.get('class_names')).toEqual({ kind: 'cells', values: names });
    expect(variables.get('x')).toEqual({ kind: 'numbers', values: [1.5, 3e10, -2, 4] });
  });

  it.each([true, false])('reads numbers, texts, cells and structs, compressed: %s', async (compressed) => {
    const variables = [
      numberArray(200, 'small'),
      numberArray(-1.25, 'real'),
      textArray('Ünïcode', 'text'),
      cellArray([textArray('a'), numberArray(7), cellArray([], '')], 'cells'),
      structArray(['one', 'a_longer_name'], [[numberArray(1), textArray('x')]], 'rows'),
      structArray(['one'], [], 'none'),
    ];
    const read = await readMat(await file(matFile(variables, { compressed })));
    expect(Object.fromEntries(read)).toEqual({
      small: { kind: 'numbers', values: [200] },
      real: { kind: 'numbers', values: [-1.25] },
      text: { kind: 'text', text: 'Ünïcode' },
      cells: {
        kind: 'cells',
        values: [
          { kind: 'text', text: 'a' },
          { kind: 'numbers', values: [7] },
          { kind: 'cells', values: [] },
        ],
      },
      rows: {
        kind: 'structs',
        values: [
          new Map<string, unknown>([
            ['one', { kind: 'numbers', values: [1] }],
            ['a_longer_name', { kind: 'text', text: 'x' }],
          ]),
        ],
      },
      none: { kind: 'structs', values: [] },
    });
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'no header'],
    ['some other file', Buffer.alloc(300, 'x'), 'no header'],
    ['HDF5', Buffer.from('MATLAB 7.3 MAT-file'.padEnd(300)), 'MATLAB 7.3'],
    ['a file cut off', matFile([textArray('a long enough text', 't')]).subarray(0, 150), 'cut off'],
    [
      'a file cut off, not compressed',
      matFile([textArray('x', 't')], { compressed: false }).subarray(0, -8),
      'cut off',
    ],
  ])('refuses %s', async (_name, data, message) => {
    const path = await file(data);
    const error = await failure(readMat(path));
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain(path);
    expect(error.message).toContain(message);
  });

  it('takes every flipped byte for damage or reads on, and never runs away', async () => {
    const whole = matFile(
      [structArray(['a', 'b'], [[numberArray(3), textArray('hi')]], 's'), cellArray([textArray('q')], 'c')],
      {
        compressed: false,
      },
    );
    const path = await file(whole);
    for (let at = 128; at < whole.length; at += 3) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      await writeFile(path, flipped);
      const outcome = await readMat(path).catch((error: unknown) => error);
      if (outcome instanceof Map) continue;
      expect(outcome).toMatchObject({ code: 'dataset-invalid' });
    }
  });

  it('says when there is no file', async () => {
    expect((await failure(readMat('/nowhere/x.mat'))).code).toBe('file-not-found');
  });
});
