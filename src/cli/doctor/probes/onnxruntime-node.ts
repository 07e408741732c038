import { answerProbe } from '../probe-report.js';
import { doubleOnOnnxRuntime } from './double.js';

await answerProbe(doubleOnOnnxRuntime);
