import { z } from 'zod';
import { KindredError } from '../core/errors.js';

/** inputSize → --input-size */
export function flagOf(path: readonly PropertyKey[]): string {
  return `--${path
    .map(String)
    .join('.')
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Reads KINDRED_<COMMAND>_<OPTION> for every key of the schema, e.g. KINDRED_TRAIN_INPUT_SIZE. */
function fromEnvironment(command: string, keys: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {};
  for (const key of keys) {
    const name = `KINDRED_${command}_${key.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
    const value = env[name.replace(/[- ]/g, '_')];
    if (value !== undefined) found[key] = value;
  }
  return found;
}

/**
 * Validates a command's options once, at the edge: flags win over environment variables, those over the defaults in the
 * schema. Strings from flags and the environment are the schema's to coerce.
 * @throws KindredError invalid-option naming the flag and the rule
 */
export function parseOptions<Shape extends z.ZodRawShape>(
  command: string,
  schema: z.ZodObject<Shape>,
  flags: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv = process.env,
): z.infer<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const result = schema.safeParse({ ...fromEnvironment(command, Object.keys(schema.shape), env), ...given });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const flag = flagOf(issue?.path ?? []);
  const missing = issue?.code === 'invalid_type' && issue.path[0] !== undefined && !(issue.path[0] in given);
  throw new KindredError('invalid-option', missing ? `${flag} is missing` : `${flag}: ${issue?.message ?? 'invalid'}`, {
    hint: `See kindred ${command} --help.`,
    field: flag,
    cause: result.error,
  });
}

/** A whole number given as a string or number, within [least, most]. */
export const wholeNumber = (least: number, most: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .int({ error: 'must be a whole number' })
    .min(least, { error: `must be at least ${least}` })
    .max(most, { error: `must be at most ${most}` });

/** A finite number within [least, most]. */
export const realNumber = (least: number, most: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .min(least, { error: `must be at least ${least}` })
    .max(most, { error: `must be at most ${most}` });
