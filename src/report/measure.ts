import type { Embedder } from '../core/embedder.js';
import type { ReportProgress } from '../core/progress.js';
import { createRandom, shuffled } from '../core/random.js';
import { itemsByLabel, type Dataset, type DatasetItem } from '../data/dataset.js';
import { checkCalibration } from '../evaluate/calibration/check.js';
import { embedItems } from '../evaluate/embed-items.js';
import type { EvaluationReport } from '../evaluate/report.js';
import type { OpenEmbedder } from '../evaluate/run.js';
import { classDensities } from '../metrics/density.js';
import type { Calibration } from '../model/calibration.js';
import type { ClassPoint, EmbeddedSplit, Measured, ModelMap } from './data.js';
import { flatten, mostPoints } from './map.js';
import { contactSheet } from './pictures.js';
import { worstQueries } from './worst.js';

/** Images of training classes that are embedded for their densities: whole classes, until there are this many. */
const mostTrained = 4000;

interface Watch {
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** What an embedder gave, by absolute path. */
export type Recording = Map<string, Float32Array>;

/** An embedder that keeps what it gave, so that the report need not embed the split twice. */
export function recording(open: OpenEmbedder, kept: Recording): OpenEmbedder {
  return async () => {
    const embedder = await open();
    return {
      dimension: embedder.dimension,
      fingerprint: embedder.fingerprint,
      preferredBatch: embedder.preferredBatch,
      close: () => embedder.close(),
      async embed(requests) {
        const outcomes = await embedder.embed(requests);
        outcomes.forEach((outcome, i) => {
          const image = requests[i]?.image;
          if (outcome.ok && image && 'path' in image) kept.set(image.path, outcome.embedding);
        });
        return outcomes;
      },
    };
  };
}

function labelled(items: readonly DatasetItem[], embeddings: Float32Array, dimension: number): EmbeddedSplit {
  const numbers = new Map([...itemsByLabel(items).keys()].map((label, i) => [label, i]));
  const classes = Int32Array.from(items, ({ label }) => numbers.get(label ?? '') ?? -1);
  return { items, embeddings, classes, dimension };
}

/** The recorded pictures of a split, in the order of the evaluation. */
export function recordedSplit(
  dataset: Dataset,
  split: string,
  kept: Recording,
  dimension: number,
  pathOf: (item: DatasetItem) => string,
): EmbeddedSplit {
  const all = [...itemsByLabel(dataset.items.filter((item) => item.split === split)).values()].flat();
  const items = all.filter((item) => kept.has(pathOf(item)));
  const embeddings = new Float32Array(items.length * dimension);
  items.forEach((item, i) => embeddings.set(kept.get(pathOf(item)) ?? [], i * dimension));
  return labelled(items, embeddings, dimension);
}

/** Density of every class, with its R@1 where that is known. */
export function classPoints(
  { items, embeddings, classes, dimension }: EmbeddedSplit,
  evaluation: EvaluationReport | null,
): ClassPoint[] {
  const found = new Map(
    evaluation?.perClass.map((entry) => [entry.class, (entry.model ?? entry.untrained)?.['recall@1']]),
  );
  const names = new Map(items.map(({ label }, i) => [classes[i] ?? -1, label ?? '']));
  return classDensities(embeddings, classes, dimension).map(({ label, images, spread, ratio }) => {
    const name = names.get(label) ?? '';
    return { class: name, images, spread, ratio, recallAt1: found.get(name) ?? null };
  });
}

/** Embeds classes that the model was trained on, whole ones, drawn with a fixed seed. */
export async function embedTrained(
  dataset: Dataset,
  trainClasses: readonly string[],
  embedder: Embedder,
  watch: Watch,
): Promise<EmbeddedSplit> {
  const known = new Set(trainClasses);
  const groups = itemsByLabel(dataset.items.filter(({ split, label }) => split === 'train' && known.has(label ?? '')));
  const items: DatasetItem[] = [];
  for (const group of shuffled([...groups.values()], createRandom('report train')))
    if (items.length === 0 || items.length + group.length <= mostTrained) items.push(...group);
  const stage = 'embedding (training classes)';
  const found = await embedItems({ root: dataset.root, items, embedder, stage, ...watch });
  return labelled(found.items, found.embeddings, embedder.dimension);
}

async function mapOf(set: EmbeddedSplit, root: string, watch: Watch): Promise<ModelMap | null> {
  const { items, embeddings, dimension } = set;
  const rows = shuffled([...items.keys()], createRandom('report map')).slice(0, mostPoints).sort((a, b) => a - b); // prettier-ignore
  const picked = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => picked.set(embeddings.subarray(row * dimension, (row + 1) * dimension), i * dimension));
  const places = await flatten(picked, dimension, watch);
  if (!places) return null;
  const points = places.map(([x, y], i) => ({ x, y, class: items[rows[i] ?? 0]?.label ?? '' }));
  const sheet = await contactSheet(root, rows.map((row) => items[row]?.path ?? '')); // prettier-ignore
  return { points, sheet, of: items.length };
}

export interface MeasureOptions extends Watch {
  readonly folder: string;
  readonly root: string;
  readonly evaluation: EvaluationReport;
  readonly unseen: EmbeddedSplit;
  readonly trained: EmbeddedSplit | null;
  readonly calibration: Calibration | null;
}

/** Everything a report shows of a data set. @throws KindredError interrupted */
export async function measureForReport(options: MeasureOptions): Promise<Measured> {
  const { folder, root, evaluation, unseen, trained, calibration, progress, signal } = options;
  const worst = await worstQueries(unseen, root, { progress, signal });
  const map = await mapOf(unseen, root, { progress, signal });
  const checked = calibration && (await checkCalibration({ ...unseen, calibration, progress, signal }));
  return {
    folder,
    evaluation,
    unseen: classPoints(unseen, evaluation),
    trained: trained ? classPoints(trained, null) : [],
    worst,
    map,
    reliability: checked?.[0] ?? null,
  };
}
