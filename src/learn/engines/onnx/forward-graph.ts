import type { Node } from '../../../model/graph.js';
import { createOnnxBuilder } from '../../../model/onnx/builder.js';
import { addActivation, addNode, type OnnxWeights } from '../../../model/onnx/forward.js';
import { parameter } from '../../../model/shapes.js';
import { depthwiseForward } from './depthwise.js';
import { createForms, type FormedValue } from './forms.js';
import { onnxKernel } from './general.js';
import { parameterName, valueName } from './names.js';
import type { GraphScope, Plan } from './plan.js';

function forwardNode(scope: GraphScope, node: Node, inputs: readonly FormedValue[]): FormedValue {
  const { builder, forms, plan } = scope;
  const shape = plan.shape(node.name);
  const [first = forms.value([], 'rows', '')] = inputs;
  if (node.op === 'depthwise' && plan.kind(node) === 'blocked') return depthwiseForward(scope, node, first);
  if (node.op === 'conv2d' && plan.kind(node) === 'pointwise') {
    const [, , from = 0, to = 0] = parameter(plan.network, node.kernel).shape;
    const kernel = builder.node('Reshape', [parameterName(node.kernel), builder.integers([from, to])]);
    const operands = [forms.as(first, 'rows'), kernel];
    if (node.bias !== null) operands.push(parameterName(node.bias));
    return forms.value(shape, 'rows', addActivation(builder, builder.node('Gemm', operands), node.activation));
  }
  if (node.op === 'global-average-pool') {
    const [height = 1, width = 1, channels = 1] = first.shape;
    const pictures = builder.node('Reshape', [
      forms.as(first, 'rows'),
      builder.integers([-1, height * width, channels]),
    ]);
    return forms.value(shape, 'rows', builder.node('ReduceMean', [pictures], { axes: [1], keepdims: 0 }));
  }
  // Sums and activations do not mind how their values lie, so they stay in the form that their reader wants.
  const form = node.op === 'add' || node.op === 'activation' ? plan.home(node.name) : 'planes';
  const weights: OnnxWeights = {
    kernel: (convolution) => onnxKernel(builder, convolution, plan.network),
    plain: parameterName,
  };
  const names = inputs.map((input) => forms.as(input, form));
  return forms.value(shape, form, addNode(builder, node, names, first.shape, plan.network, weights));
}

/**
 * The learning part with its parameters as inputs, for any batch size. Gives `value:<node>` for each of `outputs`, in
 * the node's home form.
 */
export function buildForward(plan: Plan, outputs: readonly string[]): Uint8Array {
  const { network } = plan;
  const builder = createOnnxBuilder('forward');
  const forms = createForms(builder, plan.block);
  builder.input(valueName('input'), plan.dimensions('input'));
  for (const [name, { shape }] of network.parameters) builder.input(parameterName(name), shape);
  const values = new Map<string, FormedValue>([
    ['input', forms.value(network.inputShape, 'planes', valueName('input'))],
  ]);
  const valueOf = (name: string): FormedValue => values.get(name) ?? forms.value([], 'rows', '');
  for (const node of network.nodes)
    values.set(node.name, forwardNode({ builder, forms, plan }, node, node.inputs.map(valueOf)));
  for (const name of outputs) {
    const form = plan.home(name);
    const value = valueOf(name);
    const named = forms.as(value, form);
    builder.rename((plan.isSwapped(name) ? value.unshaped.get(form) : undefined) ?? named, valueName(name));
    builder.output(valueName(name), plan.dimensions(name));
  }
  return builder.finish();
}
