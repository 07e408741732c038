import type { Network, PixelScale } from '../graph.js';
import { inferShapes } from '../shapes.js';
import { createOnnxBuilder, type OnnxBuilder } from './builder.js';
import { addL2Normalize, addNetwork, scalar } from './forward.js';

/** uint8 pixels [N, h, w, 3] → scaled float32 [N, 3, h, w]. */
export function addPixels(builder: OnnxBuilder, network: Network, scale: PixelScale): string {
  const [height = 0, width = 0, channels = 3] = network.inputShape;
  const pixels = builder.input('pixels', ['N', height, width, channels], 'uint8');
  const floats = builder.node('Cast', [pixels], { to: 1 });
  const planes = builder.node('Transpose', [floats], { perm: [0, 3, 1, 2] });
  const scaled = builder.node('Mul', [planes, scalar(builder, scale.multiply)]);
  return scale.add === 0 ? scaled : builder.node('Add', [scaled, scalar(builder, scale.add)]);
}

/**
 * A whole encoder as ONNX: input `pixels` uint8 [N, S, S, 3], output `embedding` float32 [N, D] of unit length. Scaling,
 * layout and normalisation are in the graph, so that every user of it agrees.
 */
export function exportEncoder(network: Network, scale: PixelScale): Uint8Array {
  const builder = createOnnxBuilder('kindred');
  const embedding = addL2Normalize(builder, addNetwork(builder, network, addPixels(builder, network, scale)));
  builder.node('Identity', [embedding], {}, 'embedding');
  builder.output('embedding', ['N', inferShapes(network).get(network.output)?.[0] ?? 0]);
  return builder.finish();
}

/**
 * The part of a network that stays frozen: input `pixels` uint8 [N, S, S, 3], output `activations` float32, [N, c, h, w]
 * or [N, h, w, c] as `layout` says, or [N, c] behind a pooling. A stem without nodes gives the scaled picture.
 */
export function exportStem(stem: Network, scale: PixelScale, layout: 'nchw' | 'nhwc'): Uint8Array {
  const builder = createOnnxBuilder('kindred-stem');
  const output = addNetwork(builder, stem, addPixels(builder, stem, scale));
  const shape = inferShapes(stem).get(stem.output) ?? stem.inputShape;
  const [height = 0, width = 0, channels = 0] = shape;
  if (shape.length === 1) {
    builder.node('Identity', [output], {}, 'activations');
    builder.output('activations', ['N', ...shape]);
  } else if (layout === 'nchw') {
    builder.node('Identity', [output], {}, 'activations');
    builder.output('activations', ['N', channels, height, width]);
  } else {
    builder.node('Transpose', [output], { perm: [0, 2, 3, 1] }, 'activations');
    builder.output('activations', ['N', height, width, channels]);
  }
  return builder.finish();
}
