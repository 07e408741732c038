import type { CommandModule } from './command.js';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order of the main job. Loaded on demand, so that `--help` starts in no time. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  doctor: {
    summary: 'what this machine can run, and what is missing',
    load: async () => (await import('./commands/doctor.js')).command,
  },
  data: {
    summary: 'prepare and check data sets',
    load: async () => (await import('./commands/data.js')).command,
  },
  train: {
    summary: 'train an embedding and write a model bundle',
    load: async () => (await import('./commands/train.js')).command,
  },
  eval: {
    summary: 'measure retrieval on classes never trained on',
    load: async () => (await import('./commands/eval.js')).command,
  },
  compare: {
    summary: 'measure two models on the same queries, with intervals of the difference',
    load: async () => (await import('./commands/compare.js')).command,
  },
  report: {
    summary: 'one HTML page about a model: curves, densities, the worst queries, a map',
    load: async () => (await import('./commands/report.js')).command,
  },
  export: {
    summary: 'write a model as ONNX or with int8 convolutions, or the vectors of an index',
    load: async () => (await import('./commands/export.js')).command,
  },
  calibrate: {
    summary: 'fit what the scores of search mean',
    load: async () => (await import('./commands/calibrate.js')).command,
  },
  ablate: {
    summary: 'compare losses and density terms over seeds, as a grid of paired runs',
    load: async () => (await import('./commands/ablate.js')).command,
  },
  bundle: {
    summary: 'make a model bundle of an ONNX encoder, or look into one',
    load: async () => (await import('./commands/bundle.js')).command,
  },
  index: {
    summary: 'embed images and index them',
    load: async () => (await import('./commands/index.js')).command,
  },
  search: {
    summary: 'find what looks like an image or an item',
    load: async () => (await import('./commands/search.js')).command,
  },
  import: {
    summary: 'take vectors that other tools made into an index',
    load: async () => (await import('./commands/import.js')).command,
  },
  reindex: {
    summary: 'bring an index to another model, while it is served',
    load: async () => (await import('./commands/reindex.js')).command,
  },
  snapshot: {
    summary: 'copies of an index: create, verify, restore',
    load: async () => (await import('./commands/snapshot.js')).command,
  },
  audit: {
    summary: 'find duplicates, outliers and wrong labels in an index',
    load: async () => (await import('./commands/audit.js')).command,
  },
  serve: {
    summary: 'answer over HTTP, with a page to try it',
    load: async () => (await import('./commands/serve.js')).command,
  },
  keys: {
    summary: 'keys for the HTTP API: create, list, revoke',
    load: async () => (await import('./commands/keys.js')).command,
  },
  demo: {
    summary: 'the main job on a catalogue of emoji drawings',
    load: async () => (await import('./commands/demo.js')).command,
  },
  bench: {
    summary: 'side-by-side measurements',
    load: async () => (await import('./commands/bench.js')).command,
  },
};
