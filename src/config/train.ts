import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { cacheFolder } from '../core/cache-folder.js';
import { byteSize } from './byte-size.js';
import { keyValues } from './key-values.js';
import { realNumber, wholeNumber } from './parse.js';

const selections = ['validation', 'last'] as const;

/** What the step that is kept is chosen on. */
const selection = z.string().transform((word, context) => {
  const known = selections.find((one) => one === word);
  if (known) return known;
  context.addIssue(
    word === 'test'
      ? 'the test classes choose nothing: what is chosen on them says no more about unseen classes; give validation or last'
      : 'must be validation or last',
  );
  return z.NEVER;
});

/** Names, ranges, defaults. */
export const trainOptions = z.object({
  data: z.string(),
  out: z.string(),
  loss: z.string().default('contrastive'),
  regularizer: z.string().optional(),
  lambda: realNumber(0, 1000).optional(),
  lambdaSchedule: z.string().optional(),
  lambdaShare: realNumber(0, 1).optional(),
  margin: realNumber(0, 10).optional(),
  positiveWeight: realNumber(0, 10).optional(),
  miner: z.string().optional(),
  l2: realNumber(0, 10).optional(),
  kappa: realNumber(0, 100).optional(),
  lossOptions: keyValues().optional(),
  regularizerOptions: keyValues().optional(),
  steps: wholeNumber(1, 1_000_000).default(200),
  validateEvery: wholeNumber(1, 1_000_000).optional(),
  sampler: z.string().optional(),
  samplerField: z.string().min(1, { error: 'must name a metadata field' }).optional(),
  memory: wholeNumber(0, 1_000_000).optional(),
  memoryWarmup: wholeNumber(0, 1_000_000).optional(),
  /** 16, or 32 for --sampler npair: the same batch size. */
  classesPerBatch: wholeNumber(2, 512).optional(),
  /** 4, or 2 for --sampler npair. */
  imagesPerClass: wholeNumber(1, 64).optional(),
  accumulate: wholeNumber(1, 4096).default(1),
  inputSize: wholeNumber(32, 512).default(96),
  dim: wholeNumber(2, 2048).default(128),
  backbone: z.string().default('nsfwjs-mobilenet-v2'),
  backboneFrom: z.string().optional(),
  backboneCut: z.string().optional(),
  backboneScale: z.string().optional(),
  trainFrom: z.string().optional(),
  backend: z.string().default('auto'),
  allowSoftwareGpu: z.boolean().default(false),
  learningRate: realNumber(0, 1).default(1e-4),
  headRate: realNumber(0, 1000).default(3),
  selectOn: selection.default('validation'),
  seed: wholeNumber(0, 2 ** 31).default(0),
  threads: wholeNumber(1, 256).default(availableParallelism()),
  cache: z.enum(['off', 'memory', 'disk'], { error: 'must be off, memory or disk' }).default('off'),
  cacheSize: byteSize(2 ** 20, '1MiB').optional(),
  cacheViews: wholeNumber(1, 10_000).optional(),
  cacheDir: z.string().min(1, { error: 'must name a folder' }).default(cacheFolder()),
  pictureMemory: byteSize().default(512 * 2 ** 20),
  calibrate: z.boolean().default(true),
  resume: z.boolean().default(false),
  json: z.boolean().default(false),
});

/** The options of `kindred train`. */
export const trainSchema = trainOptions.superRefine(
  ({ cache, cacheSize, cacheViews, memory, memoryWarmup }, context) => {
    if (memoryWarmup !== undefined && !memory)
      context.addIssue({ code: 'custom', path: ['memoryWarmup'], message: 'needs --memory' });
    if (cache !== 'off') return;
    const message = 'needs --cache memory or --cache disk';
    if (cacheSize !== undefined) context.addIssue({ code: 'custom', path: ['cacheSize'], message });
    if (cacheViews !== undefined) context.addIssue({ code: 'custom', path: ['cacheViews'], message });
  },
);
export type TrainConfig = z.infer<typeof trainSchema>;

export type NamedValues = Readonly<Record<string, number | string>>;

/**
 * The density term of a run: what was asked for, or what fits the loss (docs/losses.md). A constant positive weight is
 * the gate's alternative, so it turns the default gate off.
 */
export function regularizerFor(config: Pick<TrainConfig, 'regularizer' | 'loss'>, lossOptions: NamedValues): string {
  const fixed = lossOptions['positiveWeight'] !== undefined;
  return config.regularizer ?? (config.loss === 'contrastive' && !fixed ? 'gate' : 'none');
}

function defined(values: Readonly<Record<string, number | string | undefined>>): NamedValues {
  const given: Record<string, number | string> = {};
  for (const [key, value] of Object.entries(values)) if (value !== undefined) given[key] = value;
  return given;
}

/** The options of the loss and of the density term: those with a flag of their own, and the others. */
export function objectiveOptions(config: TrainConfig): { lossOptions: NamedValues; regularizerOptions: NamedValues } {
  const { margin, positiveWeight, miner, l2, kappa } = config;
  return {
    lossOptions: { ...config.lossOptions, ...defined({ margin, positiveWeight, miner, l2 }) },
    regularizerOptions: { ...config.regularizerOptions, ...defined({ kappa }) },
  };
}
