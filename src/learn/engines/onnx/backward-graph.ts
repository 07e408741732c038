import { KindredError } from '../../../core/errors.js';
import type { Activation, ConvolutionNode, DenseNode, Node, Shape } from '../../../model/graph.js';
import { createOnnxBuilder, type OnnxBuilder } from '../../../model/onnx/builder.js';
import { scalar } from '../../../model/onnx/forward.js';
import { depthwiseInputGradient, depthwiseKernelGradient } from './depthwise.js';
import { createForms, type Form, type FormedValue } from './forms.js';
import { generalInputGradient, generalKernelGradient } from './general.js';
import { gradientName, parameterName, sumName, valueName } from './names.js';
import type { GraphScope, Plan } from './plan.js';
import { slice } from './slice.js';

interface Scope extends GraphScope {
  readonly batch: number;
  /** What the forward graph kept of a node. */
  kept(name: string): FormedValue;
}

/** d · 1[the activation let the value through], read off its output y: 0 < y (< 6). */
function masked(scope: Scope, gradient: FormedValue, node: Node, activation: Activation): FormedValue {
  if (activation === 'linear') return gradient;
  const { builder, forms, plan } = scope;
  const form = plan.home(node.name);
  const y = forms.as(scope.kept(node.name), form);
  const positive = builder.node('Greater', [y, scalar(builder, 0)]);
  const open =
    activation === 'relu' ? positive : builder.node('And', [positive, builder.node('Less', [y, scalar(builder, 6)])]);
  const mask = builder.node('Cast', [open], { to: 1 });
  return forms.value(gradient.shape, form, builder.node('Mul', [forms.as(gradient, form), mask]));
}

/** Adds up what a parameter gets in this piece of the batch and what it got in the pieces before. */
function give(builder: OnnxBuilder, parameter: string, gradient: string): void {
  builder.node('Add', [gradient, sumName(parameter)], {}, gradientName(parameter));
}

function biasGradient({ builder, forms }: Scope, bias: string | null, gradient: FormedValue): void {
  if (bias === null) return;
  const planes = gradient.names.has('planes') && gradient.shape.length === 3 && !gradient.names.has('rows');
  const [value, axes] = planes ? [forms.as(gradient, 'planes'), [0, 2, 3]] : [forms.as(gradient, 'rows'), [0]];
  give(builder, bias, builder.node('ReduceSum', [value, builder.integers(axes)], { keepdims: 0 }));
}

/** [M, in]ᵀ · [M, out], added to what came before, and [M, out] · kernelᵀ: the gradients of a matrix product. */
function productGradients(
  { builder, plan }: Scope,
  node: ConvolutionNode | DenseNode,
  input: string,
  gradient: string,
  isFirst: boolean,
): string {
  builder.node('Gemm', [input, gradient, sumName(node.kernel)], { transA: 1 }, gradientName(node.kernel));
  if (isFirst) return '';
  const matrix = builder.integers(plan.parameterShape(node.kernel));
  const kernel = builder.node('Reshape', [parameterName(node.kernel), matrix]);
  return builder.node('Gemm', [gradient, kernel], { transB: 1 });
}

function convolutionGradients(scope: Scope, node: ConvolutionNode, gradient: FormedValue): FormedValue {
  const { builder, forms, plan, batch } = scope;
  const input = scope.kept(node.inputs[0] ?? '');
  const isFirst = node.inputs[0] === 'input'; // nobody asks for the gradient of the pictures
  biasGradient(scope, node.bias, gradient);
  switch (plan.kind(node)) {
    case 'pointwise': {
      const [x, d] = [forms.as(input, 'rows'), forms.as(gradient, 'rows')];
      return forms.value(input.shape, 'rows', productGradients(scope, node, x, d, isFirst));
    }
    case 'blocked':
      give(builder, node.kernel, depthwiseKernelGradient(scope, node, input, gradient, batch));
      return isFirst ? gradient : depthwiseInputGradient(scope, node, gradient);
    case 'general':
      give(builder, node.kernel, generalKernelGradient(scope, node, input, gradient, batch));
      return isFirst ? gradient : generalInputGradient(scope, node, gradient);
  }
}

/** Spreads a pooled [N, c] over [N, c, h, w]. */
function spread(builder: OnnxBuilder, value: string, shape: Shape): string {
  const [height = 0, width = 0, channels = 0] = shape;
  const corner = builder.node('Reshape', [value, builder.integers([-1, channels, 1, 1])]);
  return builder.node('Expand', [corner, builder.integers([1, channels, height, width])]);
}

/** Adds one node's gradients; returns those for its inputs, in their order. */
function backwardNode(scope: Scope, node: Node, incoming: FormedValue): FormedValue[] {
  const { builder, forms, plan } = scope;
  const shape = plan.shape(node.inputs[0] ?? '');
  const made = (form: Form, name: string): FormedValue => forms.value(shape, form, name);
  switch (node.op) {
    case 'conv2d':
    case 'depthwise':
      return [convolutionGradients(scope, node, masked(scope, incoming, node, node.activation))];
    case 'dense': {
      const gradient = masked(scope, incoming, node, node.activation);
      biasGradient(scope, node.bias, gradient);
      const input = forms.as(scope.kept(node.inputs[0] ?? ''), 'rows');
      return [
        made('rows', productGradients(scope, node, input, forms.as(gradient, 'rows'), node.inputs[0] === 'input')),
      ];
    }
    case 'activation':
      return [masked(scope, incoming, node, node.activation)];
    case 'pad': {
      const [[top], [left]] = node.padding;
      const [height = 0, width = 0] = shape;
      const part = { axes: [2, 3], from: [top, left], to: [top + height, left + width] };
      return [made('planes', slice(builder, forms.as(incoming, 'planes'), part))];
    }
    case 'add':
      return node.inputs.map(() => incoming);
    case 'concat': {
      let start = 0;
      return node.inputs.map((input) => {
        const from = start;
        start += plan.shape(input).at(-1) ?? 0;
        const part = { axes: [1], from: [from], to: [start] };
        return forms.value(plan.shape(input), 'planes', slice(builder, forms.as(incoming, 'planes'), part));
      });
    }
    case 'global-average-pool': {
      const [height = 1, width = 1, channels = 1] = shape;
      const share = builder.node('Div', [forms.as(incoming, 'rows'), scalar(builder, height * width)]);
      const one = builder.node('Reshape', [share, builder.integers([-1, 1, channels])]);
      const all = builder.node('Expand', [one, builder.integers([1, height * width, channels])]);
      return [made('rows', builder.node('Reshape', [all, builder.integers([-1, channels])]))];
    }
    case 'global-max-pool': {
      // Ties share the gradient, as in TF.
      const input = forms.as(scope.kept(node.inputs[0] ?? ''), 'planes');
      const peak = spread(builder, forms.as(scope.kept(node.name), 'planes'), shape);
      const isPeak = builder.node('Cast', [builder.node('Equal', [input, peak])], { to: 1 });
      const peaks = builder.node('ReduceSum', [isPeak, builder.integers([2, 3])], { keepdims: 0 });
      const share = builder.node('Div', [forms.as(incoming, 'planes'), peaks]);
      return [made('planes', builder.node('Mul', [spread(builder, share, shape), isPeak]))];
    }
    case 'max-pool':
    case 'average-pool':
    case 'l2-normalize':
      throw new KindredError(
        'backbone-unsupported',
        `the onnx backend cannot train through ${node.name} (${node.op})`,
        {
          hint: 'Start after it with --train-from.',
        },
      );
  }
}

/**
 * The gradient of the learning part: takes the values of the forward pass, the parameters, `gradient:<output>` [N, D]
 * and `sum:<parameter>`, and gives `gradient:<parameter>` = sum + this batch's for every parameter. Made for one batch
 * size.
 */
export function buildBackward(plan: Plan, batch: number): Uint8Array {
  const { network } = plan;
  const builder = createOnnxBuilder('backward');
  const forms = createForms(builder, plan.block);
  const kept = new Map<string, FormedValue>();
  for (const name of plan.kept) {
    const [shape, form] = [plan.shape(name), plan.home(name)];
    const value = builder.input(valueName(name), plan.dimensions(name, batch));
    kept.set(name, plan.isSwapped(name) ? forms.reshaped(shape, form, value) : forms.value(shape, form, value));
  }
  for (const [name, { shape }] of network.parameters) {
    builder.input(parameterName(name), shape);
    builder.input(sumName(name), plan.parameterShape(name));
  }
  const scope: Scope = {
    builder,
    forms,
    plan,
    batch,
    kept: (name) => kept.get(name) ?? forms.value(plan.shape(name), 'rows', ''),
  };
  const incoming = new Map<string, FormedValue[]>();
  const outputShape = plan.shape(network.output);
  const start = builder.input(gradientName(network.output), [batch, ...outputShape]);
  incoming.set(network.output, [forms.value(outputShape, 'rows', start)]);
  for (const node of network.nodes.toReversed()) {
    const [first, ...others] = incoming.get(node.name) ?? [];
    if (first === undefined) continue;
    const form = plan.home(node.name);
    const total = others.reduce(
      (sum, part) => forms.value(sum.shape, form, builder.node('Add', [forms.as(sum, form), forms.as(part, form)])),
      first,
    );
    backwardNode(scope, node, total).forEach((gradient, i) => {
      const input = node.inputs[i] ?? '';
      if (input !== 'input') incoming.set(input, [...(incoming.get(input) ?? []), gradient]);
    });
  }
  for (const name of network.parameters.keys()) builder.output(gradientName(name), plan.parameterShape(name));
  return builder.finish();
}
