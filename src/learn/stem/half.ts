/**
 * IEEE 754 binary16 ("half precision"): 1 sign bit, 5 exponent bits, 10 fraction bits; 11 significant bits, at most 65,504. Node 20
 * has no Float16Array, so both directions are written out here.
 */
const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** 0.5: added to a value below 2^-14 it pushes the bits that a subnormal half cannot hold out of the sum, rounding to even. */
const shifter = 0x3f000000;

/** One float32 as a half: round to nearest, ties to even; beyond the range to infinity; NaN stays NaN. */
function encodeOne(value: number): number {
  float[0] = value;
  const all = bits[0] ?? 0;
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude < 0x38800000) {
    bits[0] = magnitude;
    float[0] = float[0] + 0.5;
    return sign | (bits[0] - shifter);
  }
  // Exponent from bias 127 to 15; a carry out of the fraction raises the exponent, up to infinity, as it should.
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The value of each of the 65,536 halves. */
const values = Float32Array.from({ length: 0x10000 }, (_, half) => {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
});

export function encodeHalf(source: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) result[i] = encodeOne(source[i] ?? 0);
  return result;
}

/** Writes the values of `halves` to the start of `target`, which is at least as long. */
export function decodeHalf(halves: Uint16Array, target: Float32Array): void {
  for (let i = 0; i < halves.length; i++) target[i] = values[halves[i] ?? 0] ?? 0;
}

/** Whether every value is finite: an infinity or NaN has all exponent bits set. */
export function allFinite(halves: Uint16Array): boolean {
  for (let i = 0; i < halves.length; i++) if (((halves[i] ?? 0) & 0x7c00) === 0x7c00) return false;
  return true;
}
