import type { Network, Parameters } from '../model/graph.js';
import { inferShapes } from '../model/shapes.js';
import { headParameters } from './head.js';
import type { Objective } from './objective.js';

/** All that a run's optimizer changes. */
export interface Learned {
  /** Length of an embedding. */
  readonly dim: number;
  /** The loss's own parameters; empty for most. */
  readonly own: Parameters;
  /** Those and the network's. */
  readonly parameters: Parameters;
  /** How fast a parameter learns, as a multiple of the learning rate. */
  multiple(name: string): number;
}

/**
 * @param network the part that learns, whose parameters may be changed in place
 * @param options number of classes that are trained on, for losses with parameters for each
 */
export function learnedBy(
  network: Network,
  objective: Pick<Objective, 'own'>,
  options: { readonly classes: number; readonly seed: number; readonly headRate: number },
): Learned {
  const dim = inferShapes(network).get(network.output)?.[0] ?? 0;
  const own: Parameters = objective.own?.create({ ...options, dim }) ?? new Map();
  return {
    dim,
    own,
    // A loss names its parameters as no layer is named.
    parameters: new Map([...network.parameters, ...own]),
    multiple(name) {
      if (own.has(name)) return objective.own?.rate ?? 1;
      return headParameters.has(name) ? options.headRate : 1;
    },
  };
}
