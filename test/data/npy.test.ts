import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy } from '../../src/data/npy.js';
import { temporaryFolder } from './helpers.js';

const run = promisify(execFile);
const python = '/usr/bin/python3';
const hasNumpy = await run(python, ['-c', 'import numpy']).then(
  () => true,
  () => false,
);

const values = Float32Array.of(1.5, -2, 1e-30, 4, 0.1, 6);

/** A file as another tool might write it. */
function file(header: string, body: Uint8Array, version = 1): Buffer {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  return Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([version, 0]), length, Buffer.from(header), body]); // prettier-ignore
}

describe('npy', () => {
  it('gives back what was written, values aligned', () => {
    const bytes = encodeNpy(values, 2, 3);
    expect((bytes.length - values.byteLength) % 64).toBe(0);
    expect(decodeNpy(bytes, 'v')).toEqual({ rows: 2, columns: 3, values });
    expect(decodeNpy(encodeNpy(new Float32Array(0), 0, 3), 'v')).toMatchObject({ rows: 0, columns: 3 });
  });

  it('reads doubles, and the wide header of format 2', () => {
    const body = new Uint8Array(Float64Array.of(0.1, 2).buffer);
    const read = decodeNpy(file("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }\n", body, 2), 'v');
    expect(read).toEqual({ rows: 2, columns: 1, values: Float64Array.of(0.1, 2) });
  });

  it.each([
    ['no .npy at all', Buffer.from('id,label\na,b\n'), 'is no .npy file'],
    [
      'whole numbers',
      file("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 1), }", new Uint8Array(4)),
      'type <i4',
    ],
    ['Fortran order', file("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", new Uint8Array(4)), 'Fortran'],
    ['a vector', file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4)), 'no matrix'],
    ['a cut-off file', encodeNpy(values, 2, 3).subarray(0, -1), 'bytes where its header says'],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => decodeNpy(bytes, 'v.npy')).toThrow(message);
  });

  it.skipIf(!hasNumpy)('is read by numpy, and reads what numpy wrote', async () => {
    const folder = await temporaryFolder();
    const [ours, theirs] = [join(folder, 'ours.npy'), join(folder, 'theirs.npy')];
    await writeFile(ours, encodeNpy(values, 2, 3));
    const code = `import numpy, sys\na = numpy.load('${ours}')\nnumpy.save('${theirs}', a.astype('float64') * 2)\nprint(a.shape, a.dtype, a[1, 2])`;
    expect((await run(python, ['-c', code])).stdout.trim()).toBe('(2, 3) float32 6.0');
    const { readFile } = await import('node:fs/promises');
    expect(decodeNpy(await readFile(theirs), 'theirs').values).toEqual(Float64Array.from(values, (value) => 2 * value));
  });
});
