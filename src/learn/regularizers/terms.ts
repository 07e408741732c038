import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../../core/errors.js';
import { rememberedTogether } from '../../core/remembered.js';
import { unknownName } from '../../core/registry.js';
import { weightedSum } from '../gradient.js';
import type { NamedOptions } from '../options.js';
import { createRegularizer, knownOptions, regularizers } from './registry.js';
import type { Regularizer, RegularizerInput } from './regularizer.js';

/** One part of `--regularizer gate+band:0.1`. */
export interface TermSpec {
  readonly name: string;
  /** The λ behind the colon. */
  readonly lambda: number | undefined;
}

const flag = '--regularizer';

function refuse(message: string, hint: string, field = flag): KindredError {
  return new KindredError('invalid-option', `${field}: ${message}`, { field, hint });
}

/**
 * Reads NAME[:λ] joined by +.
 * @throws KindredError unknown-name with the closest, invalid-option
 */
export function parseTerms(spec: string): TermSpec[] {
  const terms = spec.split('+').map((part): TermSpec => {
    const [name = '', weight, ...more] = part.split(':').map((text) => text.trim());
    if (name === '' || weight === '' || more.length > 0)
      throw refuse(`"${spec}" is not NAME or NAME:λ, joined by +`, 'Write it like gate+band:0.1.');
    if (!regularizers.names.includes(name)) throw unknownName('regularizer', name, regularizers.names, flag);
    const lambda = weight === undefined ? undefined : Number(weight);
    if (lambda !== undefined && !(lambda >= 0 && lambda <= 1000))
      throw refuse(`the λ of ${name} is ${weight}, it must be a number of 0 … 1000`, 'Write it like gate+band:0.1.');
    return { name, lambda };
  });
  const names = terms.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refuse(`${twice} is there twice`, 'Name each density term once.');
  if (names.length > 1 && names.includes('none'))
    throw refuse('none goes with no other density term', 'Leave none out.');
  return terms;
}

/** Which options belong to which term: TERM.KEY to that one, KEY to the only one that has such an option. */
function divideOptions(names: readonly string[], options: NamedOptions): Map<string, Record<string, unknown>> {
  const divided = new Map(names.map((name): [string, Record<string, unknown>] => [name, {}]));
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const dot = key.indexOf('.');
    const [prefix, own] = dot < 0 ? [undefined, key] : [key.slice(0, dot), key.slice(dot + 1)];
    if (prefix !== undefined && !divided.has(prefix)) throw unknownName('density term', prefix, names, flag);
    const takers = prefix === undefined ? names.filter((name) => knownOptions(name).includes(own)) : [prefix];
    if (takers.length > 1 && names.length > 1)
      throw refuse(
        `${takers.join(' and ')} each have ${own}`,
        `Say whose: ${takers.map((name) => `${name}.${own}=…`).join(' or ')}.`,
        '--regularizer-options',
      );
    // One that nobody has goes to the first, which says so.
    const target = divided.get(takers[0] ?? names[0] ?? '');
    if (target) target[own] = value;
  }
  return divided;
}

/** A regularizer and the weight of its penalty. */
export interface WeighedTerm {
  readonly regularizer: Regularizer;
  readonly lambda: number;
}

/** Several as one, whose penalty is Σ λ·R and is taken with λ = 1. */
function combine(spec: string, terms: readonly WeighedTerm[]): WeighedTerm {
  const [attraction, another] = terms.filter(({ regularizer }) => regularizer.attraction);
  if (attraction && another)
    throw refuse(
      `${attraction.regularizer.name} and ${another.regularizer.name} both weigh the pull`,
      'Take one of them; their product would be a weaker gate.',
    );
  const penalties = terms.flatMap(({ regularizer, lambda }) =>
    regularizer.penalty && lambda > 0 ? [{ of: regularizer.penalty, lambda }] : [],
  );
  const scaling = terms.map(({ regularizer }) => regularizer.marginScale).find((scale) => scale !== undefined);
  const weigh = attraction?.regularizer.attraction;
  const penalty = (input: RegularizerInput): tf.Scalar =>
    penalties.reduce((sum, { of, lambda }) => weightedSum(sum, of(input), lambda), tf.scalar(0));
  return {
    regularizer: {
      name: spec,
      needsReference: terms.some(({ regularizer, lambda }) => regularizer.needsReference && lambda > 0),
      ...(weigh && { attraction: weigh }),
      ...(scaling && { marginScale: scaling }),
      remembered: rememberedTogether(
        Object.fromEntries(terms.map(({ regularizer }) => [regularizer.name, regularizer.remembered])),
      ),
      ...(penalties.length > 0 && { penalty }),
      defaultLambda: () => 1,
    },
    lambda: penalties.length > 0 ? 1 : 0,
  };
}

export interface TermsOptions {
  /** As on the command line: NAME[:λ] joined by +. */
  readonly spec: string;
  readonly options?: NamedOptions | undefined;
  readonly loss: string;
  /** λ of the penalties that bring none of their own; absent: each one's default for the loss. */
  readonly lambda?: number | undefined;
}

/**
 * The density term of a run, of one regularizer or several.
 * @throws KindredError unknown-name, invalid-option: an option or a λ that nothing takes is refused, as it would have no effect
 */
export function createTerms({ spec, options = {}, loss, lambda: given }: TermsOptions): WeighedTerm {
  if (given !== undefined && !(given >= 0))
    throw refuse(`${given} is below 0: it would reward what it is to prevent`, 'Give 0 or more.', '--lambda');
  const specs = parseTerms(spec);
  const divided = divideOptions(
    specs.map(({ name }) => name),
    options,
  );
  const terms = specs.map(({ name, lambda }): WeighedTerm => {
    const regularizer = createRegularizer(name, divided.get(name));
    if (lambda !== undefined && !regularizer.penalty)
      throw refuse(`${name} adds no penalty and takes no λ`, `Write ${name} alone.`);
    return { regularizer, lambda: lambda ?? given ?? regularizer.defaultLambda(loss) };
  });
  const open = specs.some(({ lambda }, i) => lambda === undefined && terms[i]?.regularizer.penalty);
  if (given !== undefined && !open)
    throw refuse(`nothing takes it: ${spec} has no penalty without a λ of its own`, 'Leave it out.', '--lambda');
  const [only, ...more] = terms;
  return only && more.length === 0 ? only : combine(spec, terms);
}
