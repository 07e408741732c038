import { join } from 'node:path';
import { loadDataset } from '../data/dataset-folder.js';
import type { Dataset } from '../data/dataset.js';
import type { Backbone } from '../learn/backbones/backbone.js';
import { loadBackbone } from '../learn/backbones/registry.js';
import { chooseBackend } from '../learn/engines/choose.js';
import { createReference, type ReferenceFeatures } from '../learn/reference.js';
import type { StemSpace } from '../learn/stem/stem-cache.js';
import { runPoolWorker } from '../model/pool-worker.js';
import type { RunPlan } from './plan.js';
import type { RunRecord } from './record.js';
import { runStudy } from './run.js';
import { shareStems } from './shared-stems.js';

export interface RunWorkerSetup {
  readonly space: StemSpace;
  readonly commit: string | null;
}

/** The value made for a key, made once. */
function once<T>(make: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}

runPoolWorker((setup: RunWorkerSetup) => {
  const stems = shareStems();
  const dataset = once((folder: string): Promise<Dataset> => loadDataset(folder));
  const backbones = new Map<string, Promise<Backbone>>();
  const references = new Map<string, Promise<ReferenceFeatures>>();
  // Runs are short and end by themselves; an interrupted study ends its workers.
  const { signal } = new AbortController();

  return Promise.resolve(async (plan: RunPlan) => {
    const { settings } = plan;
    const { backbone: name, backboneFrom: from, backboneCut: cut, backboneScale: scale, inputSize } = settings;
    const backboneKey = JSON.stringify([name, from, cut, scale]);
    const loading = backbones.get(backboneKey) ?? loadBackbone(name, { from, cut, scale });
    backbones.set(backboneKey, loading);
    const backbone = await loading;
    const whole = await dataset(plan.folder);
    const { engine } = await chooseBackend(settings.backend, { allowSoftwareGpu: false });
    const reference = (): Promise<ReferenceFeatures> => {
      const key = JSON.stringify([backboneKey, inputSize, plan.folder]);
      const pictures = whole.items.map(({ id, path }) => ({ id, path: join(whole.root, path) }));
      const known = references.get(key) ?? createReference({ backbone, inputSize, threads: 1, pictures, signal });
      references.set(key, known);
      return known;
    };
    const { space, commit } = setup;
    const parts = { dataset: whole, backbone, engine, openStem: stems.open, space, reference, commit, signal };
    const response: RunRecord = await runStudy(plan, parts);
    return { response };
  });
});
