import { createRegistry } from '../../core/registry.js';
import type { Bench } from './bench.js';
import { indexBench } from './index-bench.js';
import { serveBench } from './serve-bench.js';

export const benches = createRegistry<Bench>('bench', { index: indexBench, serve: serveBench });
