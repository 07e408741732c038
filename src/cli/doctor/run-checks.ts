import { KindredError } from '../../core/errors.js';
import { version } from '../../core/version.js';
import { areas, type Area, type Check, type Finding } from './check.js';

export interface CheckResult extends Finding {
  readonly name: string;
  readonly area: Area;
  readonly needed: Check['needed'];
}

/** What `kindred doctor --json` prints. */
export interface DoctorReport {
  /** The main job can run: all that is always needed, and one of each area that offers a choice. */
  readonly ready: boolean;
  readonly kindred: string;
  readonly checks: readonly CheckResult[];
  /** Why not, one line each; empty when ready. */
  readonly problems: readonly string[];
}

const longestCheckMs = 60_000;

async function examine(check: Check, limitMs: number): Promise<CheckResult> {
  const { name, area, needed } = check;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve({ usable: false, detail: `no answer within ${limitMs / 1000} s` }), limitMs);
  });
  try {
    const finding = await Promise.race([check.run(), late]);
    return { name, area, needed, ...finding };
  } catch (error) {
    const detail = `the check failed: ${error instanceof Error ? error.message : String(error)}`;
    return { name, area, needed, usable: false, detail };
  } finally {
    clearTimeout(timer);
  }
}

function problemsOf(results: readonly CheckResult[]): string[] {
  const missing = results.filter(({ needed, usable }) => needed === 'always' && !usable);
  const choices = areas.filter((area) => {
    const offered = results.filter((result) => result.area === area && result.needed === 'one-of');
    return offered.length > 0 && !offered.some(({ usable }) => usable);
  });
  return [
    ...missing.map(({ name, detail }) => `${name}: ${detail}`),
    ...choices.map((area) => `no usable ${area}: one of them is needed`),
  ];
}

export interface RunOptions {
  /** Called after each check with its number, from 1. */
  readonly onResult?: (result: CheckResult, done: number) => void;
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs the checks one after another (each may use the whole machine); a check that throws or hangs is a finding.
 * @throws KindredError interrupted
 */
export async function runChecks(checks: readonly Check[], options: RunOptions = {}): Promise<DoctorReport> {
  const { onResult, limitMs = longestCheckMs, signal } = options;
  const results: CheckResult[] = [];
  for (const check of checks) {
    if (signal?.aborted) throw new KindredError('interrupted', 'stopped before all checks were done');
    const result = await examine(check, limitMs);
    results.push(result);
    onResult?.(result, results.length);
  }
  const problems = problemsOf(results);
  return { ready: problems.length === 0, kindred: version, checks: results, problems };
}
