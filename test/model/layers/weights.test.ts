import { expect, test } from 'vitest';
import { KindredError } from '../../../src/core/errors.js';
import { decodeWeights } from '../../../src/model/layers/weights.js';

const decoded = (bytes: Uint8Array, dtype: 'uint8' | 'uint16' | 'float16', min?: number, scale?: number): number[] => {
  const entry = { name: 'w', shape: [bytes.length / (dtype === 'uint8' ? 1 : 2)], dtype: 'float32' };
  return [...(decodeWeights([{ ...entry, quantization: { dtype, min, scale } }], bytes).get('w')?.data ?? [])];
};

test('uint8 and uint16 weights are level × scale + min', () => {
  expect(decoded(Uint8Array.of(0, 1, 255), 'uint8', -2, 0.5)).toEqual([-2, -1.5, 125.5]);
  expect(decoded(Uint8Array.of(0, 0, 1, 2), 'uint16', 1, 0.25)).toEqual([1, 1 + 513 / 4]);
});

test('float16 weights: normal, subnormal, zero, infinite', () => {
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x8000, 0x7c00);
  const values = decoded(new Uint8Array(halves.buffer), 'float16');
  expect(values).toEqual([1, -2, Math.fround(1365 / 4096), 2 ** -24, -0, Infinity]);
});

test('several weights follow one another, at any offset of the buffer', () => {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setFloat32(1 + 3, 1.5, true);
  bytes.set([1, 2, 3], 1);
  const entries = [
    { name: 'a', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8' as const, scale: 2 } },
    { name: 'b', shape: [], dtype: 'float32' },
  ];
  const weights = decodeWeights(entries, bytes.subarray(1));
  expect([...(weights.get('a')?.data ?? [])]).toEqual([2, 4, 6]);
  expect([...(weights.get('b')?.data ?? [])]).toEqual([1.5]);
});

test('weights that are cut short or of another type are refused by name', () => {
  const code = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      if (error instanceof KindredError) return `${error.code}: ${error.message}`;
    }
    return 'nothing thrown';
  };
  const entry = { name: 'conv/kernel', shape: [2, 2], dtype: 'float32' };
  expect(code(() => decodeWeights([entry], new Uint8Array(15)))).toBe(
    'backbone-unsupported: the weights end at byte 15, inside conv/kernel',
  );
  expect(code(() => decodeWeights([{ ...entry, dtype: 'int32' }], new Uint8Array(16)))).toContain('int32, not float32');
});
