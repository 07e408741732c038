import type { z } from 'zod';
import { KindredError } from '../core/errors.js';

/** What a user may set; which of it applies is for each loss or regularizer to say. Absent or undefined: its default. */
export type NamedOptions = Readonly<Record<string, unknown>>;

/** positiveWeight → --positive-weight */
function flagOf(key: PropertyKey | undefined): string {
  return `--${String(key).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Makes something of its options, and knows what they are called. */
export interface Factory<Made> {
  (options: NamedOptions): Made;
  readonly known: readonly string[];
}

/**
 * A factory that checks its options against a schema first.
 * @throws (when called) KindredError invalid-option, naming the flag and what does apply
 */
export function withOptions<Shape extends z.ZodRawShape, Made>(
  what: string,
  schema: z.ZodObject<Shape>,
  create: (options: z.infer<z.ZodObject<Shape>>) => Made,
): Factory<Made> {
  const make = (options: NamedOptions): Made => {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const result = schema.safeParse(given);
    if (result.success) return create(result.data);
    const issue = result.error.issues[0];
    const known = Object.keys(schema.shape).map(flagOf).join(', ');
    const unknown = issue?.code === 'unrecognized_keys' ? flagOf(issue.keys[0]) : undefined;
    const field = unknown ?? flagOf(issue?.path[0]);
    const rule = unknown ? `does not apply to ${what}` : `${issue?.message ?? 'is not valid'} (for ${what})`;
    throw new KindredError('invalid-option', unknown ? `${field} ${rule}` : `${field}: ${rule}`, {
      field,
      hint: known === '' ? `Leave ${field} out: ${what} has no options.` : `Options of ${what}: ${known}.`,
      cause: result.error,
    });
  };
  return Object.assign(make, { known: Object.keys(schema.shape) });
}
