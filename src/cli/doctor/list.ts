import { optionalBackends, type OptionalName } from '../../learn/engines/tfjs/optional.js';
import { addonCheck } from './addon-check.js';
import { backendCheck } from './backend-check.js';
import type { Check } from './check.js';
import { coresCheck } from './checks/cores.js';
import { diskCheck } from './checks/disk.js';
import { memoryCheck } from './checks/memory.js';
import { mobilenetV1Check } from './checks/mobilenet-v1.js';
import { nodeCheck } from './checks/node.js';
import { npmCheck } from './checks/npm.js';
import { nsfwjsCheck } from './checks/nsfwjs.js';

const wasm = ['@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-core'];

function optional(name: OptionalName): Check {
  const { packages, install, needs } = optionalBackends[name];
  return backendCheck({ name, packages, install, needed: 'never', note: needs });
}

/** Everything that `kindred doctor` looks at, in the order shown. */
export function allChecks(folder: string): Check[] {
  return [
    nodeCheck(),
    npmCheck,
    coresCheck,
    memoryCheck(),
    diskCheck(folder),
    addonCheck({ name: 'sharp', compiles: false, install: 'npm install --include=optional sharp' }),
    addonCheck({
      name: 'onnxruntime-node',
      compiles: false,
      install: 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node (skip: the CPU library is in the package)',
    }),
    addonCheck({ name: 'better-sqlite3', compiles: true }),
    addonCheck({ name: 'hnswlib-node', compiles: true }),
    backendCheck({ name: 'onnx', packages: ['onnxruntime-node', ...wasm], needed: 'one-of' }),
    backendCheck({ name: 'wasm', packages: wasm, needed: 'one-of' }),
    backendCheck({ name: 'cpu', packages: ['@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-core'], needed: 'never' }),
    optional('tfjs-node'),
    optional('tfjs-node-gpu'),
    optional('webgpu'),
    backendCheck({ name: 'auto', packages: [], needed: 'never' }),
    nsfwjsCheck,
    mobilenetV1Check,
  ];
}
