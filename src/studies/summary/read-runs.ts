import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { isSystemError, KindredError } from '../../core/errors.js';

export interface RunLines<T> {
  readonly runs: readonly T[];
  /** Set when the last line is cut off, as a run killed while it was written leaves it: which, and where. */
  readonly warning: string | undefined;
}

function damaged(path: string, line: number, what: string, cause?: unknown): KindredError {
  return new KindredError('results-invalid', `${path}, line ${line}: ${what}`, {
    hint: 'Take the line out or mend it; kindred ablate runs again whatever is missing.',
    cause,
  });
}

/**
 * Reads the runs of a study, one line of JSON each. A last line without its line break that is no JSON is what a killed
 * process leaves: it is left out, with a warning. Anything else that is wrong is an error.
 * @param path of the file, for messages
 * @throws KindredError results-invalid naming the file and the line
 */
export function parseRunLines<T>(text: string, path: string, schema: z.ZodType<T>): RunLines<T> {
  const lines = text.split('\n');
  const runs: T[] = [];
  let warning: string | undefined;
  lines.forEach((line, index) => {
    const last = index === lines.length - 1;
    if (last && line === '') return;
    let content: unknown;
    try {
      content = JSON.parse(line);
    } catch (error) {
      if (!last) throw damaged(path, index + 1, line.trim() === '' ? 'is empty' : 'is no whole line of JSON', error);
      warning = `${path}, line ${index + 1} is cut off, as when a run is killed while it is written: left out`;
      return;
    }
    const parsed = schema.safeParse(content);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw damaged(path, index + 1, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is no run'}`, parsed.error);
    }
    runs.push(parsed.data);
  });
  return { runs, warning };
}

/**
 * @throws KindredError file-not-found, file-unreadable, results-invalid
 */
export async function readRunLines<T>(path: string, schema: z.ZodType<T>): Promise<RunLines<T>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const missing = isSystemError(error, 'ENOENT');
    throw new KindredError(
      missing ? 'file-not-found' : 'file-unreadable',
      `${missing ? 'there is no file' : 'cannot read'} ${path}`,
      { hint: 'Give the .jsonl file that kindred ablate wrote.', cause: error },
    );
  });
  return parseRunLines(text, path, schema);
}
