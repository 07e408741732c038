import { sha256 } from '../core/hashing.js';
import { createRandom, shuffled } from '../core/random.js';
import type { TrainSettings } from '../learn/settings.js';
import type { RunRecord } from './record.js';

/** What the runs of a study share: which data, and what is kept of it. */
export interface StudyData {
  readonly data: string;
  readonly folder: string;
  readonly splitHash: string;
  readonly split: 'per-seed' | 'as-prepared';
  readonly limit: { readonly classes?: number | undefined; readonly imagesPerClass?: number | undefined };
}

/** One run, before it is done. */
export interface RunPlan
  extends StudyData, Pick<RunRecord, 'study' | 'phase' | 'cell' | 'arm' | 'role' | 'seed' | 'key'> {
  readonly settings: TrainSettings;
  /** Measure the test classes after every epoch. */
  readonly curve: boolean;
}

/** Settings that decide no number, or are told elsewhere: where a copy of the backbone is, how many threads. */
const incidental = ['seed', 'threads', 'backboneFrom'];

/** The settings that tell runs of one seed apart. */
export function decisiveSettings(settings: TrainSettings): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !incidental.includes(name)));
}

/** The plan with the key that a resumed study knows its record by. */
export function withKey(plan: Omit<RunPlan, 'key'>): RunPlan {
  const { study, phase, cell, arm, role, data, splitHash, split, limit, seed, curve } = plan;
  const identity = [study, phase, cell, arm, role, data, splitHash, split, limit, seed, curve];
  return { ...plan, key: sha256(JSON.stringify([identity, decisiveSettings(plan.settings)])).slice(0, 16) };
}

export type Choice = Readonly<Record<string, string | number | boolean>>;

/** Every combination of one value each. */
export function combinations(space: Readonly<Record<string, readonly (string | number | boolean)[]>>): Choice[] {
  return Object.entries(space).reduce<Choice[]>(
    (found, [name, values]) => found.flatMap((choice) => values.map((value) => ({ ...choice, [name]: value }))),
    [{}],
  );
}

/**
 * Up to `count` different combinations, drawn at random (Bergstra and Bengio 2012): the same ones for the same space
 * and seed.
 */
export function drawTrials(
  space: Readonly<Record<string, readonly (string | number | boolean)[]>>,
  count: number,
  seed: string,
): Choice[] {
  return shuffled(combinations(space), createRandom('trials', seed)).slice(0, count);
}

/** The trial with the best mean over its tuning seeds; null when none has a record. Ties: the earlier one. */
export function bestTrial(
  trials: readonly { readonly choice: Choice; readonly scores: readonly (number | undefined)[] }[],
): Choice | null {
  let best: { readonly choice: Choice; readonly score: number } | null = null;
  for (const { choice, scores } of trials) {
    const known = scores.filter((score) => score !== undefined);
    if (known.length < scores.length || known.length === 0) continue;
    const score = known.reduce((sum, one) => sum + one, 0) / known.length;
    if (best === null || score > best.score) best = { choice, score };
  }
  return best?.choice ?? null;
}
