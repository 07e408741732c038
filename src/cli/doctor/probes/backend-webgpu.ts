import { openWebgpu } from '../../../learn/engines/tfjs/webgpu.js';
import { answerProbe } from '../probe-report.js';
import { multiplyOn } from './multiply.js';

await answerProbe(async () => {
  const { name } = await openWebgpu({ allowSoftware: false });
  return `${await multiplyOn('webgpu')} on ${name}`;
});
