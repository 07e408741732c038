import type { TrainSettings } from './settings.js';

type Advised = Pick<TrainSettings, 'loss' | 'lossOptions' | 'regularizer' | 'learningRate'>;

/** What loosens classes under these settings: flags with a value that differs from the present one. */
function loosening({ loss, lossOptions, regularizer }: Advised): string {
  if (regularizer.includes('gate')) return 'a greater --kappa';
  if (loss === 'contrastive') {
    const { positiveWeight } = lossOptions;
    if (typeof positiveWeight === 'number') return `a --positive-weight below ${positiveWeight}`;
    return '--regularizer gate, or a --positive-weight below 1';
  }
  return regularizer === 'none' ? '--regularizer neighbour' : 'a greater --lambda';
}

/** What to do about embeddings that shrink to a point. */
export function collapseAdvice(settings: Advised): string {
  const { lossOptions, learningRate } = settings;
  const rate = `a --learning-rate below ${learningRate}`;
  if (lossOptions['miner'] === 'hard')
    return `Use --miner semi-hard: the hardest pairs alone pull all into one point; or ${rate}.`;
  return `Use ${rate}, ${loosening(settings)}, or another --loss.`;
}

/** What an alarm needs of an epoch: R@1 of the unseen classes, and of the training classes beside them. */
export interface WatchedEpoch {
  readonly step: number;
  readonly unseen: number;
  readonly train: number;
  /** Median v / D of the batches. */
  readonly ratio: number;
}

/** Points of R@1 that unseen classes may lose before it is more than chance. */
const tolerated = 0.015;
/** Epochs since the best one, whose mean must have lost that much. */
const epochsLost = 2;
/** Training classes that are found this well cannot rise any more. */
const saturated = 0.99;

function watched(entry: Readonly<Record<string, unknown>>): WatchedEpoch[] {
  const number = (path: readonly string[]): number => {
    let at: unknown = entry;
    for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
    return typeof at === 'number' ? at : NaN;
  };
  const epoch = {
    step: number(['step']),
    unseen: number(['validation', 'recallAt1']),
    train: number(['gap', 'train', 'recallAt1']),
    ratio: number(['spreadToGap']),
  };
  return Object.values(epoch).every(Number.isFinite) ? [epoch] : [];
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const points = (value: number): string => (100 * value).toFixed(1);

/**
 * Over-tightening: since the best epoch, training classes are found no worse (or as good as always) while unseen ones are found
 * worse, over two epochs or more. Whether density has to do with it shows in v / D, and so does the advice.
 * @param history the entries of `history.jsonl`
 * @returns what happened and what to do, or null
 */
export function overTightening(
  history: readonly Readonly<Record<string, unknown>>[],
  settings: Advised,
): string | null {
  const epochs = history.flatMap(watched);
  const best = epochs.reduce<WatchedEpoch | undefined>(
    (a, b) => (a === undefined || b.unseen > a.unseen ? b : a),
    undefined,
  );
  if (!best) return null;
  const since = epochs.filter(({ step }) => step > best.step);
  const last = since.slice(-epochsLost);
  if (last.length < epochsLost) return null;
  const now = { unseen: mean(last.map((epoch) => epoch.unseen)), train: mean(last.map((epoch) => epoch.train)) };
  const ratio = mean(last.map((epoch) => epoch.ratio));
  const rises = now.train > best.train || now.train >= saturated;
  if (!rises || now.unseen > best.unseen - tolerated) return null;
  const tighter = ratio < best.ratio;
  const what = `since step ${best.step} R@1 went from ${points(best.unseen)} to ${points(now.unseen)} on unseen classes, and from ${points(best.train)} to ${points(now.train)} on training classes`;
  const density = `v/D of the batches ${tighter ? 'fell' : 'did not fall'} (${best.ratio.toFixed(2)} to ${ratio.toFixed(2)})`;
  const shorter = `--steps ${best.step} or a --learning-rate below ${settings.learningRate}`;
  return tighter
    ? `over-tightening: ${what}; ${density}. Try ${loosening(settings)}; or ${shorter}.`
    : `overfitting: ${what}; ${density}, so looser classes are no remedy. Try ${shorter}.`;
}
