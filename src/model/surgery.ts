import { KindredError } from '../core/errors.js';
import { closest } from '../core/registry.js';
import { parametersOf, type Network, type Node, type Parameter } from './graph.js';
import { inferShapes } from './shapes.js';

/** The node that stands for a layer. @throws KindredError unknown-name with the closest layer. */
export function findNode(network: Network, layer: string, field?: string): Node {
  const found = network.nodes.find((node) => node.layers.includes(layer));
  if (found) return found;
  const known = network.nodes.flatMap((node) => node.layers);
  const near = closest(layer, known);
  throw new KindredError(
    'unknown-name',
    `the network has no layer "${layer}"${near ? ` (did you mean "${near}"?)` : ''}`,
    {
      hint: `Its layers run from ${known[0] ?? '?'} to ${known.at(-1) ?? '?'}.`,
      field,
    },
  );
}

/** Keeps the parameters that the nodes still read. */
function pruned(network: Network, nodes: readonly Node[]): Map<string, Parameter> {
  const used = new Set(nodes.flatMap(parametersOf));
  return new Map([...network.parameters].filter(([name]) => used.has(name)));
}

/** The nodes that `output` needs, in order. */
export function upTo(network: Network, output: string): Network {
  const needed = new Set([output]);
  const nodes = network.nodes.toReversed().filter((node) => {
    if (!needed.has(node.name)) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  nodes.reverse();
  return { ...network, nodes, output, parameters: pruned(network, nodes) };
}

/**
 * Splits a network before a layer into the part that stays frozen (the stem) and the part that learns. The cut must be
 * crossed by one tensor only; where a shortcut crosses it too, the error names a layer before which it can be cut.
 */
export function splitBefore(network: Network, layer: string): { stem: Network; rest: Network } {
  const start = network.nodes.indexOf(findNode(network, layer, '--train-from'));
  const crossing = (at: number): Set<string> => {
    const before = new Set(['input', ...network.nodes.slice(0, at).map((node) => node.name)]);
    return new Set(network.nodes.slice(at).flatMap((node) => node.inputs.filter((input) => before.has(input))));
  };
  let at = start;
  while (at > 0 && crossing(at).size > 1) at--;
  if (at !== start) {
    throw new KindredError('invalid-option', `a shortcut passes by ${layer}, so training cannot start there`, {
      hint: `The nearest place before it is --train-from ${network.nodes[at]?.layers[0] ?? 'all'}.`,
      field: '--train-from',
    });
  }
  const [edge = 'input'] = crossing(at);
  const stemNodes = network.nodes.slice(0, at);
  const shape = inferShapes(network).get(edge) ?? network.inputShape;
  const nodes = network.nodes
    .slice(at)
    .map((node) => ({ ...node, inputs: node.inputs.map((input) => (input === edge ? 'input' : input)) }));
  return {
    stem: upTo({ ...network, nodes: stemNodes }, edge),
    rest: { ...network, inputShape: shape, nodes, parameters: pruned(network, nodes) },
  };
}

/** Adds nodes after a network's output. */
export function append(
  network: Network,
  nodes: readonly Node[],
  parameters: Iterable<readonly [string, Parameter]>,
): Network {
  return {
    ...network,
    nodes: [...network.nodes, ...nodes],
    output: nodes.at(-1)?.name ?? network.output,
    parameters: new Map([...network.parameters, ...parameters]),
  };
}

/** Puts the rest back behind the stem it was split from. */
export function join(stem: Network, rest: Network): Network {
  const edge = stem.nodes.length === 0 ? 'input' : stem.output;
  const nodes = rest.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => (input === 'input' ? edge : input)),
  }));
  return {
    inputShape: stem.inputShape,
    nodes: [...stem.nodes, ...nodes],
    output: rest.output,
    parameters: new Map([...stem.parameters, ...rest.parameters]),
  };
}
