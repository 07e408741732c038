import { itemsByLabel, type DatasetItem } from '../data/dataset.js';
import type { TrainingMoment } from '../learn/trainer.js';
import { classDensities, summarizeDensity } from '../metrics/density.js';
import { retrievalMetrics } from '../metrics/retrieval.js';

export type Scores = Record<string, number>;

/** recall@1, map@r and the median spread to gap of one split, each image searching among the others of it. */
async function scoresOf(
  items: readonly DatasetItem[],
  moment: Pick<TrainingMoment, 'embed'>,
  which: 'now' | 'best',
  prefix: string,
): Promise<Scores> {
  const groups = [...itemsByLabel(items).values()].filter((members) => members.length > 1);
  const members = groups.flat();
  if (members.length < 2) return {};
  const labels = Int32Array.from(groups.flatMap((group, label) => group.map(() => label)));
  const embeddings = await moment.embed(members, which);
  const dimension = embeddings.length / members.length;
  const { values } = retrievalMetrics({ embeddings, labels, dimension, ks: [1] });
  const density = summarizeDensity(classDensities(embeddings, labels, dimension));
  const found: Scores = {
    [`${prefix}recall@1`]: values['recall@1'] ?? NaN,
    [`${prefix}map@r`]: values['map@r'] ?? NaN,
  };
  if (density) {
    found[`${prefix}spread-to-gap`] = density.ratio.median;
    found[`${prefix}spread`] = density.spread.median;
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => Number.isFinite(value)));
}

/**
 * What a run's record says of the network at one moment: on the test classes, and of the network as it is also on the
 * training classes, as `train.…`; each split on its own.
 */
export async function measureMoment(
  items: readonly DatasetItem[],
  moment: Pick<TrainingMoment, 'embed'>,
  which: 'now' | 'best',
): Promise<Scores> {
  const of = (split: string): DatasetItem[] => items.filter((item) => item.split === split);
  const test = await scoresOf(of('test'), moment, which, '');
  return which === 'best' ? test : { ...test, ...(await scoresOf(of('train'), moment, which, 'train.')) };
}
