import { z } from 'zod';
import type { ApiModel } from './schemas/api.js';

/** A thing that is described by its name alone, or by its name among settings. */
const named = z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]);
const optionalName = named.nullish().transform((name) => name ?? null);

/**
 * What is read of bundle.json. Lenient: what a model says of itself is for people, and a bundle that lacks a line of it
 * (an imported one, say) is served all the same.
 */
const bundleSchema = z.object({
  fingerprint: z.string(),
  dimension: z.number().int(),
  inputSize: z.number().int(),
  backbone: named.catch('unknown'),
  loss: optionalName.catch(null),
  densityTerm: optionalName.catch(null),
  metrics: z.record(z.string(), z.unknown()).catch({}),
  dataset: optionalName.catch(null),
  kindred: optionalName.catch(null),
});

/** The answer of /v1/model from a bundle's bundle.json. @throws ZodError when it lacks what every bundle has */
export function describeModel(bundle: unknown): ApiModel {
  const { kindred, metrics, ...rest } = bundleSchema.parse(bundle);
  const numbers = Object.entries(metrics).flatMap(([name, value]): [string, number][] =>
    typeof value === 'number' && Number.isFinite(value) ? [[name, value]] : [],
  );
  return { ...rest, metrics: Object.fromEntries(numbers), madeBy: kindred };
}
