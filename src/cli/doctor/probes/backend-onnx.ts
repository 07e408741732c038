import { answerProbe } from '../probe-report.js';
import { doubleOnOnnxRuntime } from './double.js';
import { multiplyOn } from './multiply.js';

/** The network and its gradient run in ONNX Runtime, the loss in TensorFlow.js on wasm. */
await answerProbe(async () => {
  const runtime = await doubleOnOnnxRuntime();
  await import('@tensorflow/tfjs-backend-wasm');
  return `ONNX Runtime ${runtime}, losses in ${await multiplyOn('wasm')}`;
});
