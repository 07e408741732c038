import { expectNumbers } from '../probe-report.js';

/** An ONNX graph of one node, y = x + x, for two float32 values. */
const doubling = 'CAg6NQoOCgF4CgF4EgF5IgNBZGQSAWdaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAN';

/** Runs the smallest graph there is. Returns ONNX Runtime's version. */
export async function doubleOnOnnxRuntime(): Promise<string> {
  const { env, InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(Buffer.from(doubling, 'base64'));
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2), [2]) });
  if (!(y?.data instanceof Float32Array)) throw new Error('it gave no float32 result');
  expectNumbers('x + x', y.data, [2, 4]);
  return env.versions.node ?? env.versions.common;
}
