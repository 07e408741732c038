import { answerProbe } from '../probe-report.js';
import { multiplyOn } from './multiply.js';

/** Optional, so not known to the compiler. */
const native: string = '@tensorflow/tfjs-node';

await answerProbe(async () => {
  await import(native);
  return multiplyOn('tensorflow');
});
