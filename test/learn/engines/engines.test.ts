import { expect, test } from 'vitest';
import { backendNames, defaultEngine, engines } from '../../../src/learn/engines/registry.js';
import { describeEngine } from '../../contracts/engine.js';

describeEngine('cpu');
describeEngine('wasm');
describeEngine('onnx', ['depthwise, multiplier 2']);

test('auto names an engine that exists, and every engine is listed', () => {
  expect(engines.names).toContain(defaultEngine);
  expect(backendNames).toEqual(['auto', 'onnx', 'wasm', 'cpu']);
  expect(() => engines.get('wasn')).toThrow('did you mean "wasm"?');
});
