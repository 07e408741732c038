import { KindredError } from '../../core/errors.js';
import { createRandom, shuffled } from '../../core/random.js';
import { addInto, squaredDistance } from '../../core/vectors.js';
import { createDeck } from '../deck.js';
import { batchOf, groupItems } from './groups.js';
import type { Feedback, Sampler, SamplerOptions } from './sampler.js';

/** Classes that are drawn together: one in its turn and its nearest neighbours. */
const groupSize = 4;
/** Images that the mean of a class is taken from. */
const imagesPerMean = 4;
/** Sets of means that batches under way may still depend on, with epochs of one step. */
const kept = 3;

/** Means of all classes, [C·D], and the first step that uses them. */
interface Means {
  readonly from: number;
  readonly values: Float32Array;
}

/** The `count` classes whose means are nearest to that of `of`, itself left out; ties go to the lower number. */
function nearestTo(of: number, { values }: Means, classes: number, count: number): number[] {
  const dimension = values.length / classes;
  const mean = (c: number): Float32Array => values.subarray(c * dimension, (c + 1) * dimension);
  const own = mean(of);
  return Array.from({ length: classes }, (_, c) => ({ c, distance: squaredDistance(own, mean(c)) }))
    .filter(({ c }) => c !== of)
    .sort((a, b) => a.distance - b.distance || a.c - b.c)
    .slice(0, count)
    .map(({ c }) => c);
}

function createFeedback(
  members: readonly (readonly number[])[],
  names: readonly string[],
  seed: number,
): { feedback: Feedback; at: (step: number) => Means | undefined } {
  let known: Means[] = [];
  const samples = members.map((group, c) =>
    shuffled(group, createRandom('means', seed, names[c] ?? '')).slice(0, imagesPerMean),
  );
  const feedback: Feedback = {
    indices: samples.flat(),
    learn(embeddings, from) {
      const dimension = embeddings.length / samples.flat().length;
      const values = new Float32Array(members.length * dimension);
      let row = 0;
      samples.forEach((sample, c) => {
        const mean = values.subarray(c * dimension, (c + 1) * dimension);
        for (let i = 0; i < sample.length; i++, row++)
          addInto(mean, embeddings.subarray(row * dimension, (row + 1) * dimension));
        for (let i = 0; i < dimension; i++) mean[i] = (mean[i] ?? 0) / sample.length;
      });
      known = [...known, { from, values }].slice(-kept);
    },
    save: () =>
      new Map([
        ['from', Float32Array.from(known, ({ from }) => from)],
        ...known.map(({ values }, i): [string, Float32Array] => [`means ${i}`, values.slice()]),
      ]),
    restore(arrays) {
      known = [...(arrays.get('from') ?? [])].map((from, i) => {
        const values = arrays.get(`means ${i}`);
        if (values && values.length > 0 && values.length % members.length === 0) return { from, values };
        throw new KindredError('checkpoint-invalid', 'the checkpoint does not hold the class means of the sampler', {
          hint: 'Train from the start, without --resume.',
        });
      });
    },
  };
  return { feedback, at: (step) => known.findLast(({ from }) => from <= step) };
}

/**
 * Batches of classes that are hard to tell apart: classes in turn (every one once per pass), each with its nearest
 * neighbours by the means of the embeddings, which are taken anew at the end of every epoch. As for the N-pair loss's hard
 * negative classes (Sohn 2016, section 3.2.1), but with neighbours that are exact. Until the first epoch has ended, classes come in turn alone.
 * @throws KindredError dataset-too-small when fewer classes are trainable than a batch takes
 */
export function createHardClassSampler(options: SamplerOptions): Sampler {
  const { classesPerBatch, imagesPerClass, seed } = options;
  const groups = groupItems(options.items, classesPerBatch);
  const count = groups.names.length;
  const deck = createDeck(count, classesPerBatch, 'classes', seed);
  const leaders = createDeck(count, Math.ceil(classesPerBatch / groupSize), 'leaders', seed);
  const { feedback, at } = createFeedback(groups.members, groups.names, seed);
  return {
    name: 'hard-class',
    classes: groups.names,
    images: groups.images,
    batchSize: classesPerBatch * imagesPerClass,
    feedback,
    next(step) {
      const means = at(step);
      // The second part fills up where a leader is the neighbour of another.
      const turn = means ? [...leaders.hand(step), ...deck.hand(step)] : deck.hand(step);
      const chosen = new Set<number>();
      for (const c of turn) {
        if (chosen.size >= classesPerBatch) break;
        if (chosen.has(c)) continue;
        chosen.add(c);
        if (!means) continue;
        const near = nearestTo(c, means, count, groupSize - 1 + chosen.size).filter((other) => !chosen.has(other));
        for (const other of near.slice(0, groupSize - 1)) if (chosen.size < classesPerBatch) chosen.add(other);
      }
      return batchOf(groups, [...chosen], options, step);
    },
  };
}
