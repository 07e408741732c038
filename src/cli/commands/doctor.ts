import { Command } from 'commander';
import type { CommandContext, CommandModule } from '../command.js';
import type { Area, Check } from '../doctor/check.js';
import { formatCheck, formatHeading, formatVerdict } from '../doctor/format.js';
import { allChecks } from '../doctor/list.js';
import { runChecks, type CheckResult } from '../doctor/run-checks.js';

export interface DoctorFlags {
  readonly json?: boolean | undefined;
}

/** @returns whether the main job can run */
export async function runDoctor(
  context: CommandContext,
  checks: readonly Check[],
  flags: DoctorFlags,
): Promise<boolean> {
  let area: Area | undefined;
  const onResult = (result: CheckResult, done: number): void => {
    if (flags.json) {
      context.progress({ stage: 'checking', done, total: checks.length, unit: 'checks', note: result.name });
      return;
    }
    // Shown as they come: a check that takes seconds is waited for in its place.
    if (result.area !== area) context.out(`${area === undefined ? '' : '\n'}${formatHeading(result.area)}`);
    area = result.area;
    context.out(formatCheck(result));
  };
  const report = await runChecks(checks, { onResult, signal: context.signal });
  context.out(flags.json ? JSON.stringify(report, null, 2) : `\n${formatVerdict(report)}`);
  return report.ready;
}

export const command: CommandModule = {
  build: (context) =>
    new Command('doctor')
      .description('Say what this machine can run, and what is missing. Exit code 0 when the main job can run.')
      .option('--json', 'print one JSON document')
      .addHelpText('after', '\nExamples:\n  kindred doctor\n  kindred doctor --json')
      .action(async (flags: DoctorFlags) => {
        const ready = await runDoctor(context, allChecks(process.cwd()), flags);
        if (!ready) process.exitCode = 1;
      }),
};
