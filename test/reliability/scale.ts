import { appendFileSync } from 'node:fs';

/** How much of a reliability test to run: `short` in npm test, another number from the environment in a soak. */
export function scaleOf(variable: string, short: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return short;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${variable} must be a number above 0, not "${text}"`);
  return value;
}

/** Adds a result to the JSON lines of KINDRED_SOAK_RESULTS, if that is set. */
export function record(result: Readonly<Record<string, unknown>>): void {
  const file = process.env['KINDRED_SOAK_RESULTS'];
  if (file === undefined || file === '') return;
  appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), node: process.version, ...result })}\n`);
}
