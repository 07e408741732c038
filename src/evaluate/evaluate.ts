import type { Embedder } from '../core/embedder.js';
import { KindredError } from '../core/errors.js';
import { silent, type ReportProgress } from '../core/progress.js';
import { itemsByLabel, type Dataset, type DatasetItem, type SplitName } from '../data/dataset.js';
import { classDensities, summarizeDensity, type DensitySummary } from '../metrics/density.js';
import { checkKs, type RetrievalMetrics } from '../metrics/retrieval.js';
import { clusterImages, isSmall, type Clustering } from './cluster.js';
import { embedItems, type EmbeddedItems, type SkippedImage } from './embed-items.js';
import { groupField, groupName } from './groups.js';
import { measureRetrieval, searchFor } from './measure.js';

/** A split that has metrics: 'none' holds what no metric may see. */
export type EvaluatedSplit = Exclude<SplitName, 'none'>;

/** The K of Recall@K in every report. */
export const defaultKs: readonly number[] = [1, 2, 4, 8];

export interface EvaluateOptions {
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  readonly embedder: Embedder;
  readonly ks?: readonly number[];
  /** Whether NMI, AMI and F1 of a clustering are worked out: 'small' where that takes seconds at most. Default: never. */
  readonly clustering?: 'never' | 'small' | 'always';
  /** Metadata field to break the results down by. Default: `category`, where an image has it. */
  readonly by?: string | undefined;
  /** Sees every query: its item, and the ascending ranks of what it should find (none: it is left out). */
  readonly onQuery?: ((item: DatasetItem, ranks: Int32Array) => void) | undefined;
  /** Sees the embeddings of the split when they are there, before anything is measured. */
  readonly onEmbedded?: ((embedded: EmbeddedItems & { readonly dimension: number }) => void) | undefined;
  /** Of the exact search. Default: the cores this process may use. */
  readonly threads?: number | undefined;
  /** Shown with the progress: 'model', 'untrained'. */
  readonly name?: string;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly fingerprint: string;
  readonly dimension: number;
  /** The classes of the split in code-unit order; a label in the metrics is an index into it. */
  readonly classNames: readonly string[];
  /** Pictures embedded: every one is searched, whether or not it is a query. */
  readonly images: number;
  readonly skipped: readonly SkippedImage[];
  readonly metrics: RetrievalMetrics;
  /** Where the data set says who searches where: pictures of each side. Absent: every picture is on both. */
  readonly roles?: { readonly queries: number; readonly gallery: number };
  /** Results by a metadata field of the query. */
  readonly byField?: { readonly field: string; readonly groups: ReadonlyMap<string, RetrievalMetrics> };
  /** Absent unless asked for, or the set is small. */
  readonly clustering?: Clustering;
  /** Null where fewer than two classes have two images. */
  readonly density: DensitySummary | null;
}

interface Embedded {
  readonly items: readonly DatasetItem[];
  readonly embeddings: Float32Array;
  readonly labels: Int32Array;
}

/** The items that `keep` accepts, with their rows. */
function only(
  { items, embeddings, labels }: Embedded,
  dimension: number,
  keep: (item: DatasetItem) => boolean,
): Embedded {
  const rows = items.flatMap((item, row) => (keep(item) ? [row] : []));
  const kept = new Float32Array(rows.length * dimension);
  rows.forEach((row, index) =>
    kept.set(embeddings.subarray(row * dimension, (row + 1) * dimension), index * dimension),
  );
  return {
    items: items.filter(keep),
    embeddings: kept,
    labels: Int32Array.from(rows, (row) => labels[row] ?? -1),
  };
}

/** Who searches where. @throws KindredError dataset-empty when one side has no picture */
function sides(all: Embedded, dimension: number, split: string): { queries: Embedded; gallery?: Embedded } {
  if (all.items.every(({ role }) => role === undefined)) return { queries: all };
  const queries = only(all, dimension, ({ role }) => role === 'query');
  const gallery = only(all, dimension, ({ role }) => role === 'gallery');
  const empty = queries.items.length === 0 ? 'query' : gallery.items.length === 0 ? 'gallery' : undefined;
  if (empty !== undefined) {
    throw new KindredError('dataset-empty', `split "${split}" has no ${empty} picture that can be read`, {
      hint: 'Queries are searched for in the gallery: there must be pictures of both roles.',
    });
  }
  return { queries, gallery };
}

/**
 * Embeds every image of the split's classes and lets each search among all others of the split, or, where the data set
 * has query and gallery pictures, each query in the gallery. Unreadable images are skipped and listed; images whose class
 * has no other picture to find are searched but are no queries.
 * @throws KindredError dataset-empty when the split has no images that can be read or nothing to find among them;
 * dataset-too-small when a K exceeds the images; unknown-name for a field that no image has; interrupted
 */
export async function evaluateModel(options: EvaluateOptions): Promise<Evaluation> {
  const { dataset, split, embedder, ks = defaultKs, name = 'model', progress = silent, threads } = options;
  const signal = options.signal ?? new AbortController().signal;
  const groups = itemsByLabel(dataset.items.filter((item) => item.split === split));
  const items = [...groups.values()].flat();
  if (items.length === 0) {
    throw new KindredError('dataset-empty', `${dataset.folder} has no images in split "${split}"`, {
      hint: 'Choose another --split, or prepare the data set again with more classes.',
      field: 'split',
    });
  }
  const field = groupField(items, options.by);
  // Known before anything is embedded; unreadable pictures may make it fewer still.
  checkKs(ks, items.filter(({ role }) => role === 'gallery').length || items.length - 1);
  const { root } = dataset;
  const embedded = await embedItems({ root, items, embedder, stage: `embedding (${name})`, progress, signal });
  const classNames = [...groups.keys()];
  const numbers = new Map(classNames.map((label, index) => [label, index]));
  const labels = Int32Array.from(embedded.items, ({ label }) => numbers.get(label ?? '') ?? -1);
  const { embeddings, skipped } = embedded;
  options.onEmbedded?.({ ...embedded, dimension: embedder.dimension });
  if (labels.length === 0) {
    throw new KindredError('dataset-empty', `none of the ${items.length} images in split "${split}" can be read`, {
      hint: `First: ${skipped[0]?.path ?? ''}: ${skipped[0]?.reason ?? ''}. See kindred data check ${dataset.folder}`,
    });
  }
  const { dimension, fingerprint } = embedder;
  const { queries, gallery } = sides({ ...embedded, labels }, dimension, split);
  const search = await searchFor(queries.labels.length, (gallery ?? queries).labels.length, dimension, threads);
  try {
    const common = { search, dimension, progress, signal };
    const measured = await measureRetrieval({
      ...common,
      embeddings: queries.embeddings,
      labels: queries.labels,
      ...(gallery && { gallery }),
      ks,
      ...(field !== undefined && { groupOf: (query: number) => groupName(queries.items[query], field) }),
      onQuery: ({ query, ranks }) => {
        const item = queries.items[query];
        if (item) options.onQuery?.(item, ranks);
      },
      stage: `ranking (${name})`,
    });
    const { metrics } = measured;
    if (metrics.queries === 0) {
      const lack = gallery
        ? `no query in split "${split}" has a picture of its class in the gallery`
        : `no class in split "${split}" has two images`;
      throw new KindredError('dataset-empty', `${lack}: there is nothing to find`, {
        hint: gallery
          ? 'Query and gallery must share classes.'
          : 'Evaluation needs classes with at least two readable images.',
      });
    }
    const wanted = options.clustering ?? 'never';
    const clustered = wanted === 'always' || (wanted === 'small' && isSmall(labels.length, new Set(labels).size));
    return {
      fingerprint,
      dimension,
      classNames,
      images: labels.length,
      skipped,
      metrics,
      ...(gallery && { roles: { queries: queries.labels.length, gallery: gallery.labels.length } }),
      ...(field !== undefined && { byField: { field, groups: measured.groups } }),
      ...(clustered && {
        clustering: await clusterImages({ ...common, embeddings, labels, stage: `clustering (${name})` }),
      }),
      density: summarizeDensity(classDensities(embeddings, labels, dimension)),
    };
  } finally {
    await search.close();
  }
}
