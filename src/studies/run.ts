import { KindredError } from '../core/errors.js';
import { silent } from '../core/progress.js';
import { version } from '../core/version.js';
import type { Dataset } from '../data/dataset.js';
import type { Backbone } from '../learn/backbones/backbone.js';
import type { EngineFactory } from '../learn/engines/engine.js';
import { objectiveFor } from '../learn/objective.js';
import type { ReferenceFeatures } from '../learn/reference.js';
import type { OpenStem } from '../learn/stem/stem-pipeline.js';
import type { StemSpace } from '../learn/stem/stem-cache.js';
import { train, type TrainResult } from '../learn/trainer.js';
import { measureMoment, type Scores } from './measure.js';
import { decisiveSettings, type RunPlan } from './plan.js';
import type { RunRecord } from './record.js';
import { datasetFor } from './study-split.js';

export interface RunParts {
  /** As prepared. */
  readonly dataset: Dataset;
  readonly backbone: Backbone;
  readonly engine: EngineFactory;
  readonly openStem: OpenStem;
  readonly space: StemSpace;
  /** Frozen features of every picture; asked for only where a density term needs them. */
  readonly reference: () => Promise<ReferenceFeatures>;
  readonly commit: string | null;
  readonly signal: AbortSignal;
}

interface Measured {
  metrics: Scores;
  selected: Scores | null;
  readonly curve: Scores[];
}

/** The part of the record that the plan decides. */
function described(plan: RunPlan): Omit<RunRecord, 'metrics' | 'selected' | 'validation' | 'seconds' | 'commit'> {
  const { study, phase, cell, arm, role, data, seed, key, settings } = plan;
  const { loss, lossOptions, regularizer, regularizerOptions, lambda, steps } = settings;
  const told = ['loss', 'lossOptions', 'regularizer', 'regularizerOptions', 'lambda', 'steps'];
  const rest = Object.fromEntries(Object.entries(decisiveSettings(settings)).filter(([name]) => !told.includes(name)));
  const plain = (options: Readonly<Record<string, unknown>>): Record<string, string | number> =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, typeof value === 'number' ? value : String(value)]),
    );
  return {
    study,
    phase,
    cell,
    arm,
    role,
    data,
    loss,
    lossOptions: plain(lossOptions),
    regularizer,
    regularizerOptions: plain(regularizerOptions),
    lambda: lambda ?? null,
    seed,
    settings: { ...rest, split: plan.split, ...(Object.keys(plan.limit).length > 0 && { limit: plan.limit }) },
    steps,
    key,
    kindred: version,
  };
}

/**
 * Does one run of a study. A run whose training collapses is a result too: its record says so and has no metrics.
 * @throws KindredError interrupted, and whatever else stops training
 */
export async function runStudy(plan: RunPlan, parts: RunParts): Promise<RunRecord> {
  const { settings, phase } = plan;
  const started = performance.now();
  const dataset = datasetFor(parts.dataset, plan, plan.seed);
  const objective = objectiveFor(settings);
  const measured: Measured = { metrics: {}, selected: null, curve: [] };
  const finish = (result: TrainResult | null, failed?: string): RunRecord => {
    const validated = result?.history.find(({ step }) => step === result.best?.step)?.['validation'];
    const held: Record<string, unknown> = typeof validated === 'object' && validated !== null ? { ...validated } : {};
    const { recallAt1, mapAtR } = held;
    const validation: Scores = {
      ...(result?.best && { step: result.best.step }),
      ...(typeof recallAt1 === 'number' && { 'recall@1': recallAt1 }),
      ...(typeof mapAtR === 'number' && { 'map@r': mapAtR }),
    };
    return {
      ...described(plan),
      metrics: measured.metrics,
      selected: measured.selected,
      validation,
      ...(plan.curve && { curve: measured.curve }),
      ...(failed !== undefined && { failed }),
      seconds: Math.round((performance.now() - started) / 100) / 10,
      memoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
      commit: parts.commit,
    };
  };
  try {
    const result = await train({
      dataset,
      backbone: parts.backbone,
      objective,
      engine: parts.engine,
      settings,
      checkpointPath: null,
      resumeFrom: null,
      progress: silent,
      warn: () => undefined,
      onEpoch: () => undefined,
      signal: parts.signal,
      space: parts.space,
      openStem: parts.openStem,
      ...(objective.needsReference && { reference: await parts.reference() }),
      // Only looked at: which step is kept has been decided by the validation classes alone.
      observe: async (moment) => {
        if (phase === 'tuning' || !(moment.last || plan.curve)) return;
        const now = await measureMoment(dataset.items, moment, 'now');
        if (plan.curve) measured.curve.push({ step: moment.step, ...now });
        if (!moment.last) return;
        measured.metrics = now;
        if (!moment.best) return;
        const kept = moment.best.step === moment.step ? now : await measureMoment(dataset.items, moment, 'best');
        measured.selected = { step: moment.best.step, ...kept };
      },
    });
    return finish(result);
  } catch (error) {
    if (!(error instanceof KindredError) || error.code !== 'training-collapsed') throw error;
    return finish(null, error.message);
  }
}
