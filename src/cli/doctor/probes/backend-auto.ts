import { chooseBackend } from '../../../learn/engines/choose.js';
import { answerProbe } from '../probe-report.js';

/** Which one --backend auto takes here, and why not those before it. */
await answerProbe(async () => {
  const { report } = await chooseBackend('auto', { allowSoftwareGpu: false });
  return report.replace('backend: ', '');
});
