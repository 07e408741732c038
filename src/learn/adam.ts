import type { Parameters } from '../model/graph.js';

/** First and second moment of every parameter; part of a checkpoint. */
export interface AdamState {
  step: number;
  readonly first: Map<string, Float32Array>;
  readonly second: Map<string, Float32Array>;
}

export function createAdamState(parameters: Parameters): AdamState {
  const zeros = (): Map<string, Float32Array> =>
    new Map([...parameters].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  return { step: 0, first: zeros(), second: zeros() };
}

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/**
 * One step of Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1), in place. `rate` gives each parameter's learning rate.
 * Outside TF.js, so that every engine updates the same way.
 */
export function adamStep(
  parameters: Parameters,
  gradients: ReadonlyMap<string, Float32Array>,
  state: AdamState,
  rate: (name: string) => number,
): void {
  state.step++;
  const correction = Math.sqrt(1 - beta2 ** state.step) / (1 - beta1 ** state.step);
  const scaledEpsilon = epsilon * Math.sqrt(1 - beta2 ** state.step);
  for (const [name, { data }] of parameters) {
    const [g, m, v] = [gradients.get(name), state.first.get(name), state.second.get(name)];
    if (!g || !m || !v) continue;
    const step = rate(name) * correction;
    for (let i = 0; i < data.length; i++) {
      const gradient = g[i] ?? 0;
      const first = beta1 * (m[i] ?? 0) + (1 - beta1) * gradient;
      const second = beta2 * (v[i] ?? 0) + (1 - beta2) * gradient * gradient;
      m[i] = first;
      v[i] = second;
      data[i] = (data[i] ?? 0) - (step * first) / (Math.sqrt(second) + scaledEpsilon);
    }
  }
}

/** Share of the full learning rate at a step: linear warm-up, then half a cosine down to 5 %. */
export function scheduleAt(step: number, steps: number): number {
  const warmup = Math.min(20, Math.ceil(steps / 10));
  if (step < warmup) return (step + 1) / (warmup + 1);
  const progress = (step - warmup) / Math.max(1, steps - warmup);
  return 0.05 + 0.95 * 0.5 * (1 + Math.cos(Math.PI * progress));
}
