import * as tf from '@tensorflow/tfjs-core';
import { perRow } from './batch-layout.js';
import type { LossInput } from './loss.js';

/** The margin of each row's class [B, 1], or the one of all. */
export function marginsOf(margin: number, { marginScale, layout }: LossInput): tf.Tensor2D | number {
  return marginScale ? tf.mul<tf.Tensor2D>(perRow(marginScale, layout), margin) : margin;
}
