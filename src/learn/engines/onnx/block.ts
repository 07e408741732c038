import { InferenceSession, Tensor } from 'onnxruntime-node';
import { createOnnxBuilder } from '../../../model/onnx/builder.js';
import { blockedDomain } from './forms.js';

const channels = 32;

/** Gives the number of the channel that lies at each place of a blocked [1, 32, 1, 2]. */
function probe(): Uint8Array {
  const builder = createOnnxBuilder('block');
  builder.input('planes', [1, channels, 1, 2]);
  builder.node('ReorderInput', ['planes'], {}, 'blocked', blockedDomain);
  builder.output('blocked', [1, channels, 1, 2]);
  return builder.finish();
}

async function measure(): Promise<number> {
  try {
    const session = await InferenceSession.create(probe(), { logSeverityLevel: 4 });
    const numbers = Float32Array.from({ length: channels * 2 }, (_, i) => Math.floor(i / 2));
    const { blocked } = await session.run({ planes: new Tensor('float32', numbers, [1, channels, 1, 2]) });
    await session.release();
    const found = blocked?.data;
    if (!(found instanceof Float32Array)) return 0;
    // The first place where channel 0 comes again, at the second position, ends the first block.
    const again = found.indexOf(0, 1);
    return again > 1 && channels % again === 0 ? again : 0;
  } catch {
    return 0; // this build of ONNX Runtime, or this processor, has no blocked kernels
  }
}

let known: Promise<number> | undefined;

/** Channels in a block of ONNX Runtime's NCHWc layout on this machine (16 with AVX-512, 8 with AVX2), or 0 without it. */
export function blockSize(): Promise<number> {
  return (known ??= measure());
}
