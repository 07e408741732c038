import { KindredError } from '../../core/errors.js';
import type { Parameter } from '../graph.js';
import type { WeightEntry } from './schema.js';

const bytesPerValue: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, float16: 2 };

function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

function decode(entry: WeightEntry, view: DataView, offset: number, count: number): Float32Array {
  const values = new Float32Array(count);
  const q = entry.quantization;
  for (let i = 0; i < count; i++) {
    if (!q) values[i] = view.getFloat32(offset + i * 4, true);
    else if (q.dtype === 'float16') values[i] = halfToFloat(view.getUint16(offset + i * 2, true));
    else {
      const level = q.dtype === 'uint8' ? view.getUint8(offset + i) : view.getUint16(offset + i * 2, true);
      values[i] = level * (q.scale ?? 1) + (q.min ?? 0);
    }
  }
  return values;
}

/**
 * Reads TF.js weights: float32, or quantised to uint8, uint16 or float16.
 * @throws KindredError backbone-unsupported when the bytes do not fit the manifest
 */
export function decodeWeights(entries: readonly WeightEntry[], bytes: Uint8Array): Map<string, Parameter> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = new Map<string, Parameter>();
  let offset = 0;
  for (const entry of entries) {
    if (entry.dtype !== 'float32') {
      throw new KindredError('backbone-unsupported', `weights ${entry.name} are ${entry.dtype}, not float32`);
    }
    const count = entry.shape.reduce((product, side) => product * side, 1);
    const size = count * (entry.quantization ? (bytesPerValue[entry.quantization.dtype] ?? 4) : 4);
    if (offset + size > bytes.byteLength) {
      throw new KindredError(
        'backbone-unsupported',
        `the weights end at byte ${bytes.byteLength}, inside ${entry.name}`,
        {
          hint: 'The weights file is cut short or belongs to another model.',
        },
      );
    }
    weights.set(entry.name, { shape: entry.shape, data: decode(entry, view, offset, count) });
    offset += size;
  }
  return weights;
}
