import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../../core/errors.js';

/**
 * How a batch is laid out: M classes of K images, K consecutive rows a class, all M classes different. Row b holds
 * image b mod K of class ⌊b / K⌋. So every mask over a batch is a constant, made once and kept here.
 */
export interface BatchLayout {
  /** M ≥ 2 */
  readonly classesPerBatch: number;
  /** K ≥ 2 */
  readonly imagesPerClass: number;
  /** B = M·K */
  readonly size: number;
  /** The class (0 … M − 1) of a row. */
  readonly classOf: (row: number) => number;
  /**
   * A constant float32 matrix, built on first use and kept under its name until `dispose`. It belongs to this layout:
   * do not dispose it.
   */
  matrix(name: string, shape: readonly [number, number], value: (row: number, column: number) => number): tf.Tensor2D;
  /** Frees the constants. A layout that is used again after that builds them anew. */
  dispose(): void;
}

export interface BatchShape {
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
}

function checkSize(value: number, least: number, flag: string, reason: string, hint: string): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new KindredError(
    'invalid-option',
    `${flag} is ${value}, it must be a whole number of at least ${least}: ${reason}`,
    { field: flag, hint },
  );
}

/**
 * @throws KindredError invalid-option when there are fewer than `leastImages` images a class (density is the spread
 * within one) or fewer than 2 classes (nothing to push away)
 */
export function checkBatchShape({ classesPerBatch, imagesPerClass }: BatchShape, leastImages = 2): void {
  checkSize(
    imagesPerClass,
    leastImages,
    '--images-per-class',
    'positive pairs and the spread of a class need several images of it',
    `Use --images-per-class ${Math.max(4, leastImages)}, or ${leastImages} for a data set with small classes.`,
  );
  checkSize(
    classesPerBatch,
    2,
    '--classes-per-batch',
    'negative pairs and the gap between classes need two classes',
    'Use --classes-per-batch 16, or fewer for a data set with few classes.',
  );
}

/** @throws KindredError invalid-option, see `checkBatchShape` */
export function createBatchLayout(classesPerBatch: number, imagesPerClass: number): BatchLayout {
  checkBatchShape({ classesPerBatch, imagesPerClass });
  const constants = new Map<string, tf.Tensor2D>();
  return {
    classesPerBatch,
    imagesPerClass,
    size: classesPerBatch * imagesPerClass,
    classOf: (row) => Math.floor(row / imagesPerClass),
    matrix(name, [rows, columns], value) {
      const known = constants.get(name);
      if (known) return known;
      const data = new Float32Array(rows * columns);
      for (let index = 0; index < data.length; index++) {
        data[index] = value(Math.floor(index / columns), index % columns);
      }
      // Kept, because the first use may be inside a tidy.
      const built = tf.keep(tf.tensor2d(data, [rows, columns]));
      constants.set(name, built);
      return built;
    },
    dispose() {
      for (const constant of constants.values()) constant.dispose();
      constants.clear();
    },
  };
}

/** [B, B]: 1 for two different images of one class, else 0. */
export function positivePairs(layout: BatchLayout): tf.Tensor2D {
  const { size, classOf } = layout;
  return layout.matrix('positive-pairs', [size, size], (i, j) => (i !== j && classOf(i) === classOf(j) ? 1 : 0));
}

/** [B, B]: 1 for images of different classes, else 0. */
export function negativePairs(layout: BatchLayout): tf.Tensor2D {
  const { size, classOf } = layout;
  return layout.matrix('negative-pairs', [size, size], (i, j) => (classOf(i) === classOf(j) ? 0 : 1));
}

/** A value for each class [M] as a column with one for each row of the batch [B, 1]. */
export function perRow(values: tf.Tensor1D, layout: BatchLayout): tf.Tensor2D {
  const membership = layout.matrix('membership', [layout.size, layout.classesPerBatch], (row, c) =>
    layout.classOf(row) === c ? 1 : 0,
  );
  return tf.matMul(membership, tf.reshape(values, [-1, 1]));
}
