import { Command } from 'commander';
import { parseOptions } from '../../config/parse.js';
import { objectiveOptions, regularizerFor, trainSchema, type TrainConfig } from '../../config/train.js';
import { KindredError } from '../../core/errors.js';
import type { TrainSettings } from '../../learn/settings.js';
import type { StemSpace } from '../../learn/stem/stem-cache.js';
import type { HistoryEntry } from '../../learn/trainer.js';
import type { TrainedModel } from '../../learn/train-model.js';
import { signed } from '../../evaluate/table.js';
import type { Calibration } from '../../model/calibration.js';
import type { CommandContext, CommandModule } from '../command.js';

const examples = `
Examples:
  kindred train --data photos --out model
  kindred train --data photos --out model --loss triplet --steps 300
  kindred train --data photos --out model --positive-weight 0.1       (contrastive, a fixed weight instead of the gate)
  kindred train --data photos --out model --loss multi-similarity --memory 1024
  kindred train --data photos --out model --loss triplet --sampler hierarchical --sampler-field category
  kindred train --data photos --out model --regularizer gate+band:0.1 --regularizer-options band.lo=0.4
  kindred train --data photos --out model --loss npair --regularizer neighbour --lambda-share 0.1
  kindred train --data photos --out model --backbone mobilenet-v1 --backbone-from ./mobilenet
  kindred train --data photos --out model --classes-per-batch 128 --accumulate 8   (batch 512 in the memory of 64)
  kindred train --data photos --out model --cache disk                 (many runs over the same photos)
  kindred train --data photos --out model --resume                    (after Ctrl-C)`;

function percent(value: unknown): string {
  return typeof value === 'number' && Number.isFinite(value) ? (value * 100).toFixed(1) : '–';
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Training R@1 less unseen R@1, of the two samples that are alike, in points; and the effective rank of the latter. */
function besideUnseen(gap: unknown): [string, string] {
  const [train, unseen] = [record(record(gap)['train']), record(record(gap)['unseen'])];
  const [seenRecall, recall, rank] = [train['recallAt1'], unseen['recallAt1'], unseen['effectiveRank']];
  const both = typeof seenRecall === 'number' && typeof recall === 'number';
  return [
    (both ? signed(seenRecall - recall) : '–').padStart(7),
    (typeof rank === 'number' ? rank.toFixed(0) : '–').padStart(6),
  ];
}

function row(entry: HistoryEntry): string {
  const held = record(entry['validation']);
  const loss = entry['loss'];
  const ratio = entry['spreadToGap'];
  return [
    String(entry['step']).padStart(6),
    (typeof loss === 'number' ? loss.toFixed(4) : '–').padStart(9),
    (typeof ratio === 'number' ? ratio.toFixed(2) : '–').padStart(9),
    percent(held['recallAt1']).padStart(7),
    percent(held['mapAtR']).padStart(7),
    ...besideUnseen(entry['gap']),
  ].join('');
}

function keptWhy({ selectOn }: TrainSettings, { best }: TrainedModel['result']): string {
  if (selectOn === 'last') return 'the last step (--select-on last)';
  return best ? `step ${best.step}, the best by MAP@R` : 'the last step (no classes were held out)';
}

/** What `kindred train` prints at the end. */
export function formatTrained({ bundle, result, settings, parity, seconds }: TrainedModel, out: string): string {
  const density = settings.regularizer === 'none' ? '' : ` + ${settings.regularizer}`;
  return [
    `Trained ${settings.loss}${density} on ${result.trainImages} images of ${result.trainClasses.length} classes: ${settings.steps} steps in ${(seconds / 60).toFixed(1)} min, ${result.imagesPerSecond.toFixed(0)} images/s (${settings.backend}, from ${result.trainFrom}).`,
    '',
    '  step     loss      v/D    R@1  MAP@R    gap  rank',

    ...result.history.map(row),
    '  R@1, MAP@R: held-out classes, %; v/D: spread to gap of the classes in the batches; gap: R@1 of training classes above that',
    '  of unseen ones, on as many images; rank: directions that the unseen ones spread over (docs/training.md)',
    '',
    `Kept: ${keptWhy(settings, result)}. TF.js and ONNX Runtime agree (smallest cosine ${parity.toFixed(6)}).`,
    `Model: ${out} (fingerprint ${bundle.fingerprint.slice(0, 12)})`,
    '',
    `Next: kindred eval --data … --model ${out}`,
  ].join('\n');
}

/** The options as the trainer takes them: everything that decides the numbers, and nothing else. */
export function settingsOf(config: TrainConfig): TrainSettings {
  const { loss, steps, inputSize, dim, backbone, backend, seed, threads } = config;
  const pairs = config.sampler === 'npair';
  const { lossOptions, regularizerOptions } = objectiveOptions(config);
  return {
    loss,
    lossOptions,
    regularizer: regularizerFor(config, lossOptions),
    regularizerOptions,
    lambda: config.lambda,
    lambdaSchedule: config.lambdaSchedule,
    lambdaShare: config.lambdaShare,
    steps,
    validateEvery: config.validateEvery,
    sampler: config.sampler,
    samplerField: config.samplerField,
    memory: config.memory,
    memoryWarmup: config.memoryWarmup,
    classesPerBatch: config.classesPerBatch ?? (pairs ? 32 : 16),
    imagesPerClass: config.imagesPerClass ?? (pairs ? 2 : 4),
    accumulate: config.accumulate,
    inputSize,
    dim,
    backbone,
    backend,
    learningRate: config.learningRate,
    headRate: config.headRate,
    ...(config.selectOn === 'last' && { selectOn: config.selectOn }),
    seed,
    threads,
    views: config.cache === 'off' ? undefined : (config.cacheViews ?? 8),
    backboneFrom: config.backboneFrom,
    backboneCut: config.backboneCut,
    backboneScale: config.backboneScale,
    trainFrom: config.trainFrom,
  };
}

/** Where the run may keep decoded pictures and activations: no number depends on it. */
export function spaceOf({ cache, cacheSize, cacheDir, pictureMemory }: TrainConfig): StemSpace {
  return {
    pictureBytes: pictureMemory,
    folder: cacheDir,
    activations: cache === 'disk' ? 'disk' : 'memory',
    activationBytes: cacheSize ?? 2 * 2 ** 30,
  };
}

/** A model without calibration is as good; its search results have no scores. */
async function calibrateTrained(
  modelFolder: string,
  data: string,
  { progress, signal, warn }: CommandContext,
): Promise<Calibration | null> {
  const { openEmbedder } = await import('../../compose.js');
  const { loadDataset } = await import('../../data/dataset-folder.js');
  const { calibrateModel } = await import('../../evaluate/calibration/stored.js');
  const embedder = await openEmbedder(modelFolder);
  try {
    return await calibrateModel({ dataset: await loadDataset(data), embedder, modelFolder, progress, signal });
  } catch (error) {
    if (!(error instanceof KindredError)) throw error;
    const later = `kindred calibrate ${modelFolder} --data ${data}`;
    if (error.code === 'interrupted') {
      throw new KindredError('interrupted', `stopped while calibrating; the model is written: ${modelFolder}`, {
        hint: `For scores in search: ${later}`,
        cause: error,
      });
    }
    warn(`not calibrated, so search results will have no scores: ${error.message}`);
    if (error.code !== 'dataset-too-small') warn(`the model is written; to try again: ${later}`);
    return null;
  } finally {
    await embedder.close();
  }
}

export const command: CommandModule = {
  build(context: CommandContext) {
    return new Command('train')
      .description('train an embedding on a prepared data set and write a model bundle')
      .option('--data <dir>', 'the data set that `kindred data prepare` wrote')
      .option('--out <dir>', 'where the model bundle goes')
      .option(
        '--loss <name>',
        'contrastive, triplet, npair, multi-similarity, proxy-anchor, circle, supcon or lifted (default: contrastive)',
      )
      .option(
        '--regularizer <name>',
        'density term, or several as gate+band:0.1 (name:λ): gate, neighbour, reference, band, floor, equalise, koleo, controller, margin or none (default: gate for contrastive, none for the others)',
      )
      .option('--lambda <number>', 'weight of a penalty such as neighbour (default: its own for the loss)')
      .option('--lambda-schedule <name>', 'constant, warm-up (over the first quarter) or cosine (down to nothing)')
      .option('--lambda-share <share>', 'let λ hold the penalty’s gradient at this share of the loss’s, such as 0.1')
      .option('--kappa <number>', 'strength of the density term')
      .option('--margin <number>', 'margin of the loss')
      .option('--positive-weight <number>', 'contrastive: constant weight of positive pairs; turns the gate off')
      .option(
        '--miner <name>',
        'what a loss looks at: semi-hard, hard, all, distance-weighted or multi-similarity (default: the loss’s own)',
      )
      .option('--l2 <number>', 'npair: weight of the embeddings’ length')
      .option('--loss-options <key=value,…>', 'other options of the loss, such as distance=cosine (docs/losses.md)')
      .option(
        '--memory <n>',
        'hold each batch against this many embeddings of earlier ones too: losses over pairs, and triplet (default: 0)',
      )
      .option('--memory-warmup <steps>', 'steps before the memory is used (default: a tenth of all)')
      .option(
        '--regularizer-options <key=value,…>',
        'other options of the density term, such as lo=0.3 or, of several, band.lo=0.3',
      )
      .option('--steps <n>', 'training steps (default: 200)')
      .option('--validate-every <n>', 'steps between validations (default: once every training image was seen)')
      .option(
        '--sampler <name>',
        'how batches are drawn: class, npair (2 images a class), hard-class (with the nearest classes) or hierarchical (default: class)',
      )
      .option('--sampler-field <name>', 'hierarchical: the metadata field that holds the category')
      .option('--classes-per-batch <n>', 'classes in a batch (default: 16; npair: 32)')
      .option('--images-per-class <n>', 'images of each (default: 4; npair: 2)')
      .option(
        '--accumulate <n>',
        'compute each batch in this many pieces: the same gradients, less memory (default: 1)',
      )
      .option('--input-size <px>', 'side of the network’s input, a multiple of 32 (default: 96)')
      .option('--dim <n>', 'length of an embedding (default: 128)')
      .option(
        '--backbone <name|path>',
        'nsfwjs-mobilenet-v2, mobilenet-v1, or a TF.js layers model (default: nsfwjs-mobilenet-v2)',
      )
      .option('--backbone-from <path>', 'a local copy of a named backbone')
      .option('--backbone-cut <layer>', 'last layer to keep')
      .option('--backbone-scale <name>', 'for a PATH: minus-one-to-one, zero-to-one or raw')
      .option('--train-from <layer|all>', 'first layer that learns (default: the backbone’s own choice for a CPU)')
      .option('--backend <name>', 'auto, onnx, tfjs-node-gpu, tfjs-node, webgpu, wasm or cpu (default: auto)')
      .option('--allow-software-gpu', '--backend webgpu may take a GPU that a processor plays: right, and very slow')
      .option('--learning-rate <number>', 'Adam’s rate (default: 1e-4)')
      .option('--head-rate <number>', 'times that for the new head (default: 3)')
      .option(
        '--select-on <what>',
        'keep the step that is best on validation classes, or the last: validation or last (default: validation)',
      )
      .option('--seed <n>', 'seed of batches, augmentation and head (default: 0)')
      .option('--threads <n>', 'threads (default: all cores)')
      .option(
        '--cache <where>',
        'keep the frozen part’s output: off, memory or disk (default: off; see docs/training.md)',
      )
      .option('--cache-size <size>', 'what it may take, e.g. 500MB or 2GiB (default: 2GiB)')
      .option(
        '--cache-views <n>',
        'with a cache: augmented views of each image (default: 8; without one: no end of them)',
      )
      .option('--cache-dir <dir>', 'folder of the disk cache (default: $KINDRED_CACHE, or ~/.cache/kindred)')
      .option('--picture-memory <size>', 'memory for decoded images; the rest goes to disk (default: 512MiB)')
      .option('--no-calibrate', 'do not fit scores on the validation classes afterwards (see kindred calibrate)')
      .option('--resume', 'go on from the checkpoint of a stopped run')
      .option('--json', 'print the result as JSON')
      .addHelpText('after', examples)
      .action(async (flags: Record<string, unknown>) => {
        const config = parseOptions('train', trainSchema, flags);
        const { trainModel } = await import('../../compose.js');
        const { progress, signal, warn } = context;
        const { data, out, resume, allowSoftwareGpu } = config;
        const settings = settingsOf(config);
        const space = spaceOf(config);
        const trained = await trainModel({
          data,
          out,
          resume,
          allowSoftwareGpu,
          settings,
          space,
          progress,
          signal,
          warn,
        });
        const { bundle, result, parity, seconds } = trained;
        const calibration = config.calibrate ? await calibrateTrained(bundle.folder, data, context) : null;
        context.out(
          config.json
            ? JSON.stringify({
                fingerprint: bundle.fingerprint,
                folder: bundle.folder,
                metrics: bundle.metrics,
                calibration: calibration && { fittedOn: calibration.fittedOn, ...calibration.crossValidation },
                history: result.history,
                parity,
                seconds,
              })
            : formatTrained(trained, config.out),
        );
      });
  },
};
