import { z } from 'zod';
import { KindredError } from '../../core/errors.js';

/** Goes before the answer, so that what a library prints on its own is not taken for it. */
const mark = 'kindred-probe:';

const answerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), detail: z.string() }),
  z.object({ ok: z.literal(false), message: z.string(), fix: z.string().optional() }),
]);
export type ProbeAnswer = z.infer<typeof answerSchema>;

/** The body of a probe file: tries something in this process, tells the parent and ends. */
export async function answerProbe(probe: () => Promise<string>): Promise<void> {
  const answer: ProbeAnswer = await probe().then(
    (detail) => ({ ok: true, detail }),
    (error: unknown) => ({
      ok: false,
      message: error instanceof Error ? error.message : String(error),
      fix: error instanceof KindredError ? error.hint : undefined,
    }),
  );
  // Ends by force: a native library's threads may keep the process alive, or crash it on the way out.
  process.stdout.write(`\n${mark}${JSON.stringify(answer)}\n`, () => process.exit(0));
}

/** Finds the answer in what a probe printed; undefined when it ended without one. */
export function readAnswer(output: string): ProbeAnswer | undefined {
  const line = output.split('\n').findLast((text) => text.startsWith(mark));
  if (line === undefined) return undefined;
  const content: unknown = JSON.parse(line.slice(mark.length));
  return answerSchema.parse(content);
}

/** Thrown by probes when a computation gives something else than it must. */
export function expectNumbers(what: string, actual: Iterable<number>, expected: readonly number[]): void {
  const numbers = [...actual];
  const right = numbers.length === expected.length && expected.every((value, index) => value === numbers[index]);
  if (!right) throw new Error(`${what} gave ${numbers.join(', ')} instead of ${expected.join(', ')}`);
}
