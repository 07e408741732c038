import { join } from 'node:path';
import { toPlainError } from '../../core/errors.js';
import { type TrainingBench, type TrainingContext, trainingParts } from './bench.js';
import { compare, type Side } from './compare.js';
import { type Against, trainAgainst } from './train-against.js';
import { type TrainJob, type TrainJobOptions, writeTrainJob } from './train-job.js';
import { benchBackbone } from './train-network.js';
import { knownTorch, noTorch } from './train-python.js';
import { goals, overheadRow, type Part, ratioRow, type Row, rssRow } from './train-rows.js';
import { type OurSide, startOurSide, torchScriptMissing } from './train-sides.js';

/** Batches of the plain size in a batch that is computed in pieces. */
const pieces = 8;
/** Steps after which a process has met its most memory. */
const memorySteps = 3;
/** Steps of one measurement of wasm, which takes long over each. */
const wasmSteps = 2;

/** The rows of one section, or why there are none. What stops a bench altogether passes through. */
async function section(names: readonly string[], signal: AbortSignal, make: () => Promise<Row[]>): Promise<Row[]> {
  try {
    return await make();
  } catch (error) {
    if (signal.aborted) throw error;
    const { message, hint } = toPlainError(error);
    return names.map((name) => ({ name, skipped: hint === undefined ? message : `${message}. ${hint}` }));
  }
}

async function accumulateRows(folder: string, options: TrainJobOptions): Promise<Row[]> {
  const { classesPerBatch, imagesPerClass } = options;
  const count = classesPerBatch * pieces * imagesPerClass;
  const peak = async (name: string, classes: number, parts: number): Promise<number> => {
    const at = join(folder, name);
    await writeTrainJob(at, { ...options, count, classesPerBatch: classes, trainFrom: 'all' });
    const side = startOurSide(at, { backend: 'onnx', pieces: parts });
    try {
      return (await side.steps(memorySteps)).peakMiB;
    } finally {
      await side.stop();
    }
  };
  const plain = await peak('plain', classesPerBatch, 1);
  const inPieces = await peak('pieces', classesPerBatch * pieces, pieces);
  return [
    {
      name: 'train.accumulate-memory',
      ratio: inPieces / plain,
      runs: 1,
      goal: goals.accumulate,
      note: `${inPieces.toFixed(0)} MiB at most for batch ${count} in ${pieces} pieces against ${plain.toFixed(0)} for batch ${count / pieces}, whole network`,
      detail: { unit: 'MiB', pieces: inPieces, plain },
    },
  ];
}

/** Kindred against itself where a part learns: onnx against wasm, and a cache of the stem's activations against none. */
async function ownRows(folder: string, job: TrainJob, context: TrainingContext): Promise<Row[]> {
  const { runs, training, progress, signal } = context;
  const batch = job.classesPerBatch * job.imagesPerClass;
  const sides = {
    onnx: startOurSide(folder, { backend: 'onnx' }),
    wasm: startOurSide(folder, { backend: 'wasm' }),
    cached: startOurSide(folder, { backend: 'onnx', cached: true }),
  };
  const rate = async (side: OurSide, steps: number): Promise<number> =>
    (steps * batch) / (await side.steps(steps)).seconds;
  const plain = (): Promise<number> => rate(sides.onnx, training.steps);
  const row = async (name: string, what: string, ours: Side, theirs: Record<string, Side>): Promise<Row> => {
    const result = await compare({ name: what, ours, theirs, runs, progress, signal });
    const note = `${what}, part learns: ${result.ours.toFixed(1)} images/s against ${result.theirs.toFixed(1)}`;
    return { name, ratio: result.ratio, runs, note, detail: { unit: 'images/s', ...result } };
  };
  try {
    await sides.cached.steps(Math.ceil(job.pictures.length / batch));
    return [
      await row(
        'train.partial.cached',
        'kindred with a warm stem cache against kindred without',
        () => rate(sides.cached, training.steps),
        { uncached: plain },
      ),
      await row('train.backends', 'kindred on onnx against kindred on wasm', plain, {
        wasm: () => rate(sides.wasm, wasmSteps),
      }),
    ];
  } finally {
    await Promise.all(Object.values(sides).map((side) => side.stop()));
  }
}

async function run(context: TrainingContext): Promise<Row[]> {
  const { training, threads, folder, runs, images, signal } = context;
  const { classesPerBatch, imagesPerClass, inputSize, only = trainingParts } = training;
  const scriptMissing = await torchScriptMissing();
  const found = scriptMissing === undefined ? await knownTorch() : undefined;
  const torch = found ?? { missing: scriptMissing ?? noTorch };
  const backbone = await benchBackbone(training.backbone, training.backboneFrom);
  const batch = classesPerBatch * imagesPerClass;
  const from = { partial: backbone.trainFrom ?? 'all', whole: 'all' };
  const common = { backbone, inputSize, classesPerBatch, imagesPerClass, threads, images, tuneSteps: training.steps };
  const jobOf = (at: string, part: Part): Promise<TrainJob> =>
    writeTrainJob(at, { ...common, count: Math.max(batch, images.length), trainFrom: from[part] });

  const rows: Row[] = [];
  const measured = new Map<Part, Against>();
  for (const part of ['partial', 'whole'] as const) {
    if (!only.includes(part)) continue;
    const made = await section([`train.${part}.vs-pytorch`], signal, async () => {
      const at = join(folder, part);
      const against = await trainAgainst(`train ${part}`, at, await jobOf(at, part), context, found);
      measured.set(part, against);
      const about = { backbone: backbone.name, trainFrom: from[part], inputSize, batch, threads };
      return [ratioRow({ part, against, runs, torch, about })];
    });
    rows.push(...made);
  }
  if (only.includes('partial') || only.includes('whole')) rows.push(overheadRow(measured, runs));
  if (only.includes('whole')) rows.push(rssRow(measured.get('whole'), batch, runs));
  if (only.includes('accumulate')) {
    const names = ['train.accumulate-memory'];
    rows.push(
      ...(await section(names, signal, () => accumulateRows(folder, { ...common, count: 0, trainFrom: 'all' }))),
    );
  }
  if (only.includes('own')) {
    const at = join(folder, 'own');
    const names = ['train.partial.cached', 'train.backends'];
    rows.push(...(await section(names, signal, async () => ownRows(at, await jobOf(at, 'partial'), context))));
  }
  return rows;
}

export const trainBench: TrainingBench = {
  summary:
    'training against PyTorch (goals: 0.35 where a part learns, 0.15 for the whole network), its overhead and memory',
  trains: true,
  run,
};
