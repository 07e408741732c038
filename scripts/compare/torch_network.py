"""Runs kindred's graph (src/model/graph.ts, written by src/cli/bench/train-job.ts) in PyTorch."""
import math
import torch
import torch.nn.functional as F


def load(part, weights):
    """The part's parameters by name. TF's kernels become PyTorch's: [kh, kw, in, out] -> [out, in, kh, kw], depthwise ones
    [kh, kw, channels, m] -> [channels * m, 1, kh, kw]. `weights`: all values of the file, a flat tensor."""
    depthwise = {node['kernel'] for node in part['nodes'] if node['op'] == 'depthwise'}
    result = {}
    for p in part['parameters']:
        value = weights[p['offset']:p['offset'] + math.prod(p['shape'])].reshape(p['shape'])
        if p['name'] in depthwise:
            value = value.permute(2, 3, 0, 1).reshape(-1, 1, *p['shape'][:2])
        elif value.dim() == 4:
            value = value.permute(3, 2, 0, 1)
        result[p['name']] = value.clone(memory_format=torch.contiguous_format)
    return result


def same(size, kernel, stride):
    """Zeros before and after a side under TF's SAME: one more at the end where they do not come out even."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def convolve(x, node, weight, bias):
    padding = [(0, 0), (0, 0)]
    if node['padding'] == 'same':
        padding = [same(x.shape[2 + i], weight.shape[2 + i], node['strides'][i]) for i in (0, 1)]
    (top, bottom), (left, right) = padding
    if (top, left) != (bottom, right):  # conv2d pads both ends alike
        x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
    groups = x.shape[1] if node['op'] == 'depthwise' else 1
    return F.conv2d(x, weight, bias, node['strides'], (top, left), groups=groups)


def apply(node, inputs, weight, bias):
    op, x = node['op'], inputs[0]
    if op in ('conv2d', 'depthwise'):
        return convolve(x, node, weight, bias)
    if op == 'dense':
        return F.linear(x, weight.t(), bias)
    if op == 'pad':
        return F.pad(x, (*node['padding'][1], *node['padding'][0]))
    if op == 'global-average-pool':
        return x.mean((2, 3))
    if op == 'global-max-pool':
        return x.amax((2, 3))
    if op == 'add':
        return inputs[0] + inputs[1]
    if op == 'concat':
        return torch.cat(inputs, 1)
    if op == 'activation':
        return x.clone()
    raise SystemExit(f'PyTorch\'s side does not know {op} ({node["name"]})')


def run(part, parameters, x):
    """x [N, channels, h, w] -> the output of the part."""
    values = {'input': x}
    for node in part['nodes']:
        weight, bias = parameters.get(node.get('kernel')), parameters.get(node.get('bias'))
        y = apply(node, [values[name] for name in node['inputs']], weight, bias)
        kind = node.get('activation')
        if kind == 'relu6':
            y = F.relu6(y, inplace=True)
        elif kind == 'relu':
            y = F.relu(y, inplace=True)
        values[node['name']] = y
    return values[part['output']] if part['nodes'] else x
