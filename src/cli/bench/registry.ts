import { createRegistry } from '../../core/registry.js';
import type { AnyBench } from './bench.js';
import { embedBench } from './embed-bench.js';
import { evalBench } from './eval-bench.js';
import { filterBench } from './filter-bench.js';
import { graphBench } from './graph-bench.js';
import { httpBench } from './http-bench.js';
import { indexBench } from './index-bench.js';
import { serveBench } from './serve-bench.js';
import { trainBench } from './train-bench.js';
import { writesBench } from './writes-bench.js';

export const benches = createRegistry<AnyBench>('bench', {
  embed: embedBench,
  eval: evalBench,
  filter: filterBench,
  graph: graphBench,
  http: httpBench,
  index: indexBench,
  serve: serveBench,
  train: trainBench,
  writes: writesBench,
});
