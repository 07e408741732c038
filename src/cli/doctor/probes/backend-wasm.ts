import { answerProbe } from '../probe-report.js';
import { multiplyOn } from './multiply.js';

await answerProbe(async () => {
  await import('@tensorflow/tfjs-backend-wasm');
  return multiplyOn('wasm');
});
