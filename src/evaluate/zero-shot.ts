import { KindredError } from '../core/errors.js';
import type { Dataset } from '../data/dataset.js';
import type { Bundle } from '../model/bundle.js';
import type { EvaluatedSplit } from './evaluate.js';

/** What a bundle says about its training. */
export interface TrainingRecord {
  /** The data set's name. */
  readonly dataset: string;
  readonly splitHash: string;
  /** Every class that was in a training batch. */
  readonly classes: readonly string[];
  /** On what the step that was kept was chosen: 'validation', or 'last' for no choice. Absent: not known. */
  readonly selectedOn?: 'validation' | 'last' | undefined;
  /** Images that a batch takes of each class. */
  readonly imagesPerClass?: number | undefined;
}

/** What a bundle says about its training; undefined where it says nothing. */
export function trainingRecordOf({
  dataset,
  training,
}: Pick<Bundle, 'dataset' | 'training'>): TrainingRecord | undefined {
  if (!dataset) return undefined;
  return {
    dataset: dataset.name,
    splitHash: dataset.splitHash,
    classes: dataset.trainClasses,
    selectedOn: training?.selectedOn,
    imagesPerClass: training?.batch.imagesPerClass,
  };
}

/** Whether the evaluated classes were never trained on, and how that is known. */
export interface ZeroShot {
  readonly verified: boolean;
  /** One sentence for the report. */
  readonly reason: string;
  /** Evaluated classes that the model was trained on. */
  readonly seenClasses: readonly string[];
}

export interface ZeroShotOptions {
  /** Undefined when the bundle does not say what it was trained on. */
  readonly training: TrainingRecord | undefined;
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  /** Report instead of refusing. */
  readonly allowSeen: boolean;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ');
}

const allowHint = 'or add --allow-seen to measure all the same: the report will say that it proves nothing.';

/**
 * Compares by class name, whatever the data sets are called: a class that was merely renamed or moved to another folder
 * of the same name is still the same class. A split of the same data set made another way is refused even without a
 * common class, for its numbers cannot be compared with those of the split that was trained on.
 * @throws KindredError model-mismatch when the classes were seen or the split differs, unless `allowSeen`
 */
export function checkZeroShot({ training, dataset, split, allowSeen }: ZeroShotOptions): ZeroShot {
  if (!training) {
    return { verified: false, reason: 'the bundle does not say what it was trained on', seenClasses: [] };
  }
  const trained = new Set(training.classes);
  const evaluated = new Set(dataset.items.filter((item) => item.split === split).map(({ label }) => label ?? ''));
  const seenClasses = [...evaluated].filter((label) => trained.has(label)).sort();
  const sameName = training.dataset === dataset.name;
  if (seenClasses.length > 0) {
    const reason = `the model was trained on ${seenClasses.length} of the ${evaluated.size} evaluated classes`;
    if (!allowSeen) {
      throw new KindredError('model-mismatch', `${reason}: ${list(seenClasses)}`, {
        hint: `Evaluate the split that the model never saw (--split test), train on this data set's train split, ${allowHint}`,
      });
    }
    return { verified: false, reason, seenClasses };
  }
  if (sameName && training.splitHash !== dataset.splitHash) {
    const reason = `the model was trained on another version or split of "${dataset.name}"`;
    if (!allowSeen) {
      throw new KindredError(
        'model-mismatch',
        `${reason} (${training.splitHash.slice(0, 12)}, this one is ${dataset.splitHash.slice(0, 12)})`,
        { hint: `Prepare the data set with the options it had for training, train again on this one, ${allowHint}` },
      );
    }
    return { verified: false, reason, seenClasses };
  }
  const where = sameName ? 'the same split of the same data set' : `data set "${training.dataset}"`;
  return {
    verified: true,
    reason: `none of the ${evaluated.size} evaluated classes is among the ${trained.size} trained on (${where})`,
    seenClasses,
  };
}
