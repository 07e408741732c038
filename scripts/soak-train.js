// Trains for 2,000 steps and writes down memory and tensors: node scripts/soak-train.js [OUT.jsonl] [STEPS] [BACKEND]
// Ends with exit code 1 when a tensor is left over or memory grew by more than 2 % after step 50. Needs npm run build.
import { soakTraining } from '../dist/cli/bench/train-soak.js';

const [out = 'soak-train.jsonl', steps = '2000', backend = 'onnx'] = process.argv.slice(2);
const growth = await soakTraining({
  steps: Number(steps),
  inputSize: 64,
  classesPerBatch: 8,
  imagesPerClass: 4,
  threads: 2,
  backend,
  out,
  say: (line) => console.log(line),
});
process.exitCode = growth.met ? 0 : 1;
