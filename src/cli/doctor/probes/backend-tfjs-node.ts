import { nativeBackend, openNative } from '../../../learn/engines/tfjs/native.js';
import { answerProbe } from '../probe-report.js';
import { multiplyOn } from './multiply.js';

await answerProbe(async () => {
  await openNative('tfjs-node');
  return multiplyOn(nativeBackend);
});
