import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { createRandom, gaussian } from '../../core/random.js';
import { unitRows } from '../distances/unit-rows.js';
import { differentiable } from '../gradient.js';
import { perRow } from './batch-layout.js';
import { logOnePlusSumExp } from './log-sum-exp.js';
import type { Loss } from './loss.js';

export const proxyAnchorOptions = z.strictObject({
  /** α: how sharply images are told apart. */
  alpha: z.number().positive().max(1000).default(32),
  /** δ: a cosine similarity. */
  margin: z.number().min(0).max(1).default(0.1),
  /** The proxies learn at this times the learning rate. */
  proxyRate: z.number().min(0).max(10_000).default(100),
});

/** The one parameter: [C, D], a row for each class that is trained on, of any length. */
export const proxies = 'loss/proxies';

/**
 * Proxy-anchor loss (Kim et al., CVPR 2020, arXiv 2003.13911, equation 4), on cosine similarities s between images x and learned
 * proxies p, one for each class that is trained on: the mean over the proxies of the batch's classes of
 * log(1 + Σ_x exp(−α(s(x, p) − δ))) over their own images, plus the mean over all proxies of
 * log(1 + Σ_x exp(α(s(x, p) + δ))) over the images of other classes. The attraction scales the gradient of an image and
 * its own proxy towards each other.
 */
export function createProxyAnchor({ alpha, margin, proxyRate }: z.infer<typeof proxyAnchorOptions>): Loss {
  return {
    name: 'proxy-anchor',
    normalized: true,
    minImagesPerClass: 2,
    own: {
      rate: proxyRate,
      create({ classes, dim, seed }) {
        const random = createRandom('proxies', seed);
        const data = Float32Array.from({ length: classes * dim }, () => gaussian(random) / Math.sqrt(dim));
        return new Map([[proxies, { shape: [classes, dim], data }]]);
      },
    },
    compute({ unit, layout, attraction, context }) {
      const raw = context?.own?.get(proxies);
      if (!context || !raw) throw new Error('the proxy-anchor loss needs the proxies and the classes of the batch');
      const anchors = unitRows(raw);
      return differentiable<tf.Scalar>(
        [unit, anchors],
        () => {
          const classes = raw.shape[0];
          // [C, B], so that each proxy is a row.
          const own = tf.cast(
            tf.equal<tf.Tensor2D>(
              tf.reshape(tf.range(0, classes, 1, 'int32'), [-1, 1]),
              tf.tensor2d(context.classes, [1, layout.size]),
            ),
            'float32',
          );
          const s = tf.matMul<tf.Tensor2D>(anchors, unit, false, true);
          const pull = logOnePlusSumExp(tf.mul(tf.sub(s, margin), -alpha), own);
          const push = logOnePlusSumExp(tf.mul(tf.add(s, margin), alpha), tf.sub(1, own));
          const [present, all] = [layout.classesPerBatch, classes];
          const value: tf.Scalar = tf.add(tf.div(tf.sum(pull.value), present), tf.div(tf.sum(push.value), all));
          let towards = tf.div<tf.Tensor2D>(pull.weights, present);
          if (attraction) towards = tf.mul(towards, tf.reshape(perRow(attraction, layout), [1, -1]));
          const perPair = tf.mul<tf.Tensor2D>(tf.sub(tf.div(push.weights, all), towards), alpha);
          return { value, saved: [tf.matMul(perPair, anchors, true, false), tf.matMul(perPair, unit)] };
        },
        (dy, saved) => saved.map((gradient) => tf.mul(gradient, dy)),
      );
    },
  };
}
