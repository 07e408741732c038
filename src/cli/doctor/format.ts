import type { Area } from './check.js';
import type { CheckResult, DoctorReport } from './run-checks.js';

const titles: Readonly<Record<Area, string>> = {
  machine: 'Machine',
  addon: 'Native addons',
  backend: 'Training backends',
  backbone: 'Backbones',
};

const nameWidth = 'nsfwjs-mobilenet-v2'.length;
const indent = ' '.repeat(4);

/** One check: a mark, its name, what was found and what to do. An optional thing that is absent is no failure. */
export function formatCheck({ name, usable, detail, fix, needed }: CheckResult): string {
  const mark = usable ? '✓' : needed === 'always' ? '✗' : '–';
  const lines = [`  ${mark} ${name.padEnd(nameWidth)} ${detail}`];
  if (!usable && fix !== undefined) lines.push(`${indent}${' '.repeat(nameWidth + 1)}→ ${fix}`);
  return lines.join('\n');
}

/** The heading before the first check of an area. */
export function formatHeading(area: Area): string {
  return titles[area];
}

/** The last words: can the main job run? */
export function formatVerdict({ ready, problems }: DoctorReport): string {
  if (ready) return 'Ready: kindred demo can run here.';
  return ['Not ready:', ...problems.map((problem) => `  ${problem}`)].join('\n');
}
