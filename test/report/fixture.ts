import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { silent } from '../../src/core/progress.js';
import { loadDataset, writeDataset } from '../../src/data/dataset-folder.js';
import type { Dataset, DatasetItem } from '../../src/data/dataset.js';
import { openEmbedder } from '../../src/compose.js';
import { writeBundle, type Bundle } from '../../src/model/bundle.js';
import { goldenArrays, goldenImages } from '../../src/model/bundle/golden.js';
import { createReport } from '../../src/report/create.js';
import type { ReportData } from '../../src/report/data.js';
import { tinyEncoder } from '../model/tiny-onnx.js';

/** A class whose name would be mark-up if it were not escaped. */
export const wickedName = '<img src=x onerror=alert(1)>&"\'';

const side = (recallAt1: number) => ({ recallAt1, mapAtR: recallAt1 / 2, ratio: 0.5, effectiveRank: 4 });
export const history = [1, 2, 3].map((epoch) => ({
  epoch,
  step: 10 * epoch,
  loss: 1 / epoch,
  penalty: 0.1,
  spreadToGap: 1 / epoch,
  ratio: { p10: 0.5 / epoch, median: 1 / epoch, p90: 2 / epoch },
  byClass: { classes: [0, 1], spread: [0.2, 0.3], ratio: [0.5 / epoch, 1 / epoch] },
  validation: { recallAt1: 0.5 + 0.1 * epoch, mapAtR: 0.4 },
  gap: { classes: 2, images: 8, train: side(0.9), unseen: side(0.6) },
}));

export interface World {
  readonly base: string;
  readonly bundle: Bundle;
  readonly dataset: Dataset;
  report(withData: boolean): Promise<ReportData>;
  remove(): Promise<void>;
}

/**
 * Coloured pictures and a model that embeds their mean colour. Test classes are hues, one picture of the last one has the
 * colour of the first; training classes are two more.
 * @param extra files of the bundle beside those of a training
 */
export async function createWorld(extra: Readonly<Record<string, string>> = {}): Promise<World> {
  const base = await mkdtemp(join(tmpdir(), 'kindred-report-'));
  const root = join(base, 'pictures');
  await mkdir(root);
  const items: DatasetItem[] = [];
  const classes = ['red', 'green', 'blue', 'yellow', wickedName, 'train a', 'train b'];
  const colors = [[200, 40, 40], [40, 200, 40], [40, 40, 200], [200, 200, 40], [200, 40, 200], [40, 200, 200], [120, 60, 20]]; // prettier-ignore
  for (const [number, label] of classes.entries()) {
    for (let image = 0; image < 4; image++) {
      const odd = label === wickedName && image === 3;
      const [r = 0, g = 0, b = 0] = colors[odd ? 0 : number] ?? [];
      const path = `${number}-${image}.png`;
      const background = { r: r + 5 * image, g: g + 9 * image, b: b + 2 * image };
      await sharp({ create: { width: 40, height: 30, channels: 3, background } })
        .png()
        .toFile(join(root, path));
      items.push({ id: path, path, label, split: number < 5 ? 'test' : 'train', metadata: {} });
    }
  }
  const data = join(base, 'data');
  await mkdir(data);
  await writeDataset(data, { name: 'hues', source: 'test', root, items, split: { method: 'given', seed: 0 } });
  const dataset = await loadDataset(data);
  const tiny = tinyEncoder();
  const { onnx, inputSize, dimension } = tiny;
  const bundle = await writeBundle(join(base, 'model'), {
    onnx,
    inputSize,
    dimension,
    golden: goldenArrays(tiny.expected(goldenImages(inputSize), 3), dimension),
    backbone: { name: 'tiny', cut: 'last', scale: { multiply: 1, add: 0 }, source: 'a test' },
    loss: { name: 'contrastive', options: { margin: 0.5 } },
    densityTerm: { name: 'gate', options: {} },
    training: {
      steps: 30,
      batch: { classes: 2, imagesPerClass: 4 },
      learningRates: { head: 3e-4, backbone: 1e-4 },
      seed: 0,
      trainFrom: 'all',
      backend: 'cpu',
    },
    dataset: {
      name: 'hues',
      splitHash: dataset.splitHash,
      trainClasses: ['train a', 'train b'],
      counts: { trainImages: 8 },
    },
    metrics: { 'validation.recall@1': 0.8 },
    extra: { 'history.jsonl': history.map((entry) => `${JSON.stringify(entry)}\n`).join(''), ...extra },
  });
  const open = () => openEmbedder(bundle.folder, { threads: 1 });
  return {
    base,
    bundle,
    dataset,
    report: (withData) =>
      createReport({
        bundle,
        model: 'model',
        calibration: null,
        command: 'kindred report model',
        ...(withData && {
          data: { folder: data, dataset, split: 'test', allowSeen: false, open, openUntrained: open, threads: 1 },
        }),
        progress: silent,
        signal: new AbortController().signal,
      }),
    remove: () => rm(base, { recursive: true }),
  };
}
