import { createRegistry } from '../core/registry.js';

/** Share of λ that is in effect at a step, 0 < share ≤ 1. */
export type LambdaSchedule = (step: number, steps: number) => number;

/** Part of a run in which `warm-up` lets λ grow. */
const warmup = 0.25;

/**
 * How λ goes over a run. `constant`; `warm-up`: linearly from nothing to λ over the first quarter, so that classes can form
 * before they are held loose; `cosine`: half a cosine from λ to nothing.
 */
export const lambdaSchedules = createRegistry<LambdaSchedule>('λ schedule', {
  constant: () => 1,
  'warm-up': (step, steps) => Math.min(1, (step + 1) / Math.max(1, Math.ceil(steps * warmup))),
  cosine: (step, steps) => 0.5 * (1 + Math.cos((Math.PI * step) / Math.max(1, steps))),
});
