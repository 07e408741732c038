import { parametersOf, type ConvolutionNode, type Network, type Node, type Shape } from '../../../model/graph.js';
import type { OnnxBuilder } from '../../../model/onnx/builder.js';
import { inferShapes, parameter } from '../../../model/shapes.js';
import { swapDimensions, type Form, type Forms } from './forms.js';

/** How a convolution is computed: as a matrix product, by the blocked depthwise kernel, or by ONNX's own operators. */
export type ConvolutionKind = 'pointwise' | 'blocked' | 'general';

/** What the forward and the backward graph must agree on. */
export interface Plan {
  readonly network: Network;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly block: number;
  shape(name: string): Shape;
  kind(node: ConvolutionNode): ConvolutionKind;
  /** The form in which a value is handed from one graph to the other, which is the one that its reader wants. */
  home(name: string): Form;
  /** Whether a value gets to its home by a swap between rows and blocks; it is handed over as that leaves it. */
  isSwapped(name: string): boolean;
  /** Dimensions of a value where it is handed over, for so many pictures, or for any number of them. */
  dimensions(name: string): (number | string)[];
  dimensions(name: string, count: number): number[];
  /** The shape of a parameter's gradient in the graphs: a matrix for the kernel of a 1×1 convolution. */
  parameterShape(name: string): Shape;
  /** Values of the forward pass that the backward pass reads. */
  readonly kept: readonly string[];
}

/** What the rules of the operations write their nodes with. */
export interface GraphScope {
  readonly builder: OnnxBuilder;
  readonly forms: Forms;
  readonly plan: Plan;
}

/** The values that the gradient of each node reads: its input where the kernel learns, its output for the mask. */
function valuesForBackward(network: Network): string[] {
  const needed = new Set<string>();
  for (const node of network.nodes) {
    if (parametersOf(node).length > 0 || node.op === 'global-max-pool')
      for (const input of node.inputs) needed.add(input);
    if ('activation' in node && node.activation !== 'linear') needed.add(node.name);
    if (node.op === 'global-max-pool') needed.add(node.name);
  }
  return [...needed];
}

export function createPlan(network: Network, block: number): Plan {
  const shapes = inferShapes(network);
  const shape = (name: string): Shape => shapes.get(name) ?? [];
  const kind = (node: ConvolutionNode): ConvolutionKind => {
    const [kh = 1, kw = 1, channels = 1, multiplier = 1] = parameter(network, node.kernel).shape;
    if (node.op === 'conv2d') {
      const plain = kh === 1 && kw === 1 && node.strides[0] === 1 && node.strides[1] === 1;
      return plain ? 'pointwise' : 'general';
    }
    return block > 0 && channels % block === 0 && multiplier === 1 ? 'blocked' : 'general';
  };
  const wanted = (node: Node): Form | undefined => {
    switch (node.op) {
      case 'conv2d':
      case 'depthwise': {
        const forms = { pointwise: 'rows', blocked: 'blocked', general: 'planes' } as const;
        return forms[kind(node)];
      }
      case 'pad':
      case 'max-pool':
      case 'average-pool':
      case 'global-max-pool':
      case 'concat':
        return 'planes';
      default:
        return undefined;
    }
  };
  const homes = new Map<string, Form>([['input', 'planes']]);
  for (const { name } of network.nodes) {
    const readers = network.nodes.filter((node) => node.inputs.includes(name)).map(wanted);
    homes.set(name, readers.find((form) => form !== undefined) ?? 'rows');
  }
  const home = (name: string): Form => homes.get(name) ?? 'rows';
  const isSwapped = (name: string): boolean => {
    const maker = network.nodes.find((node) => node.name === name);
    if (maker?.op !== 'conv2d' && maker?.op !== 'depthwise') return false;
    const made = kind(maker);
    return (made === 'pointwise' && home(name) === 'blocked') || (made === 'blocked' && home(name) === 'rows');
  };
  function dimensions(name: string): (number | string)[];
  function dimensions(name: string, count: number): number[];
  function dimensions(name: string, count?: number): (number | string)[] {
    const [h = 1, w = 1, c = 1] = shape(name);
    const batch = count ?? 'N';
    if (shape(name).length === 1) return [batch, h];
    if (isSwapped(name)) return swapDimensions(shape(name), home(name), block, batch);
    if (home(name) === 'rows') return [count === undefined ? 'M' : count * h * w, c];
    return [batch, c, h, w];
  }
  return {
    network,
    shapes,
    block,
    shape,
    kind,
    home,
    isSwapped,
    dimensions,
    parameterShape: (name) => {
      const { shape: whole } = parameter(network, name);
      const reader = network.nodes.find((node) => node.op === 'conv2d' && node.kernel === name);
      return reader?.op === 'conv2d' && kind(reader) === 'pointwise' ? whole.slice(-2) : whole;
    },
    kept: valuesForBackward(network),
  };
}
