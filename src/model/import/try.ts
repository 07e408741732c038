import { KindredError } from '../../core/errors.js';
import { norm } from '../../core/vectors.js';
import { goldenImages } from '../bundle/golden.js';
import { goldenCount } from '../bundle/schema.js';
import { loadRuntime } from '../encoder-session.js';
import { unsupported } from './unsupported.js';

/** Largest difference of a value between a picture in a batch and the same picture alone. */
const tolerance = 1e-3;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message.trim() : String(error));

interface Ran {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** A session that keeps its failures to itself: that a graph takes no batch is found out by trying. */
async function openQuietly(onnx: Uint8Array, inputSize: number) {
  const { InferenceSession: Session, Tensor } = await loadRuntime();
  const session = await Session.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const run = async (pixels: Uint8Array, count: number): Promise<Ran> => {
    const tensor = new Tensor('uint8', pixels, [count, inputSize, inputSize, 3]);
    const output = (await session.run({ pixels: tensor }, { logSeverityLevel: 4 }))['embedding'];
    if (!(output?.data instanceof Float32Array)) throw new Error('its output holds no numbers');
    return { dims: output.dims, values: Float32Array.from(output.data) };
  };
  return { run, release: () => session.release() };
}

/**
 * Runs a wrapped graph without its head once, on one picture, to see what comes out.
 * @returns the shape of its output, the batch first
 * @throws KindredError import-unsupported with what ONNX Runtime says
 */
export async function outputShape(onnx: Uint8Array, inputSize: number, file: string): Promise<readonly number[]> {
  try {
    const session = await openQuietly(onnx, inputSize);
    try {
      return (await session.run(goldenImages(inputSize).slice(0, inputSize * inputSize * 3), 1)).dims;
    } finally {
      await session.release();
    }
  } catch (error) {
    if (error instanceof KindredError) throw error;
    const hint = 'Check --input-size and --layout, and that the file runs in ONNX Runtime by itself.';
    throw unsupported(`ONNX Runtime cannot run ${file}: ${messageOf(error)}`, hint, undefined, error);
  }
}

/** What became of three pictures, in one batch or alone. */
export type Trial =
  { readonly ok: true; readonly vectors: Float32Array } | { readonly ok: false; readonly why: string };

/**
 * Embeds the golden pictures in one batch and one by one: a graph exported for a single picture may take a batch and
 * still mix it up.
 */
export async function tryBatch(onnx: Uint8Array, inputSize: number, dimension: number): Promise<Trial> {
  const pixels = goldenImages(inputSize);
  const bytes = pixels.length / goldenCount;
  try {
    const session = await openQuietly(onnx, inputSize);
    const together = (await session.run(pixels, goldenCount)).values;
    const alone = new Float32Array(goldenCount * dimension);
    for (let index = 0; index < goldenCount; index++) {
      alone.set((await session.run(pixels.slice(index * bytes, (index + 1) * bytes), 1)).values, index * dimension);
    }
    await session.release();
    if (together.length !== alone.length) return { ok: false, why: 'a batch gives another number of vectors' };
    const difference = together.reduce((most, value, i) => Math.max(most, Math.abs(value - (alone[i] ?? NaN))), 0);
    // NaN is for `checkVectors` to name.
    if (difference > tolerance) return { ok: false, why: 'a picture gets another embedding in a batch than alone' };
    return { ok: true, vectors: alone };
  } catch (error) {
    if (error instanceof KindredError) throw error;
    return { ok: false, why: messageOf(error) };
  }
}

/**
 * What an encoder must do with three different pictures: finite vectors of unit length that differ.
 * @throws KindredError import-unsupported
 */
export function checkVectors(vectors: Float32Array, dimension: number, file: string): void {
  const rows = Array.from({ length: vectors.length / dimension }, (_, i) =>
    vectors.subarray(i * dimension, (i + 1) * dimension),
  );
  const hint = 'Check --output, --preset (or --mean and --std) and --input-size against how the encoder was trained.';
  if (vectors.some((value) => !Number.isFinite(value))) {
    throw unsupported(`${file} gives values that are not finite numbers`, hint);
  }
  if (rows.some((row) => Math.abs(norm(row) - 1) > 1e-2)) {
    throw unsupported(`${file} gives an embedding that is all zero`, hint);
  }
  const first = rows[0] ?? new Float32Array(dimension);
  const same = rows.every((row) => row.every((value, i) => Math.abs(value - (first[i] ?? NaN)) <= tolerance / 10));
  if (same) throw unsupported(`${file} gives three different pictures the same embedding`, hint);
}
