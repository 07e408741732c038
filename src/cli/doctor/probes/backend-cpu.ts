import { answerProbe } from '../probe-report.js';
import { multiplyOn } from './multiply.js';

await answerProbe(async () => {
  await import('@tensorflow/tfjs-backend-cpu');
  return `${await multiplyOn('cpu')}, plain JavaScript: for comparisons, too slow to train with`;
});
