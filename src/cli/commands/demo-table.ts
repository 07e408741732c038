import { z } from 'zod';
import { readJson } from '../../core/files.js';
import type { EvaluationReport } from '../../evaluate/report.js';

export interface DemoMeasurement {
  readonly report: EvaluationReport;
  readonly steps: number;
  /** Whether the density term was on. */
  readonly density: boolean;
  readonly minutes: number;
}

const committed = z.object({
  model: z.record(z.string(), z.number()),
  dataset: z.object({ splitHash: z.string() }),
  steps: z.number(),
  command: z.string(),
});

/** What `kindred demo --without-density` measured before, so that a demo need not train twice. */
async function readCommitted(splitHash: string): Promise<z.infer<typeof committed> | null> {
  const file = new URL('../../../docs/results/demo-without-density.json', import.meta.url);
  const parsed = committed.safeParse(await readJson(file.pathname).catch(() => null));
  return parsed.success && parsed.data.dataset.splitHash === splitHash ? parsed.data : null;
}

const percent = (value: number | undefined): string =>
  (value === undefined ? '–' : (value * 100).toFixed(1)).padStart(7);

function row(name: string, scores: Readonly<Record<string, number>>, note = ''): string {
  return `  ${name.padEnd(34)}${percent(scores['recall@1'])}${percent(scores['map@r'])}${note === '' ? '' : `   ${note}`}`;
}

/** The table that a demo ends with. */
export async function formatDemo({ report, steps, density, minutes }: DemoMeasurement): Promise<string> {
  const without = density ? await readCommitted(report.dataset.splitHash) : null;
  const model = report.model ?? {};
  const gain = ((model['recall@1'] ?? NaN) - (report.untrained['recall@1'] ?? NaN)) * 100;
  const lines = [
    '',
    `Retrieval on ${report.classes} classes never trained on (${report.queries} queries, %):`,
    `  ${''.padEnd(34)}    R@1  MAP@R`,
    row('untrained backbone', report.untrained),
  ];
  if (without)
    lines.push(row('trained, without the density term', without.model, `(committed result of \`${without.command}\`)`));
  lines.push(
    row(
      density ? 'trained, with the density gate' : 'trained, without the density term',
      model,
      `${gain >= 0 ? '+' : ''}${gain.toFixed(1)} points of R@1 over untrained`,
    ),
  );
  lines.push('', `${steps} steps; everything so far took ${minutes.toFixed(1)} min on this machine.`);
  return lines.join('\n');
}
