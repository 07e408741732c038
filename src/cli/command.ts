import type { Command } from 'commander';
import type { ReportProgress } from '../core/progress.js';

/** What a command gets from main.ts, so that tests can run it without a terminal. */
export interface CommandContext {
  /** Where results go. Everything else (progress, warnings, errors) goes to stderr. */
  readonly out: (text: string) => void;
  readonly warn: (text: string) => void;
  /** Draws progress on a terminal, a line now and then elsewhere. */
  readonly progress: ReportProgress;
  /** Aborted on the first Ctrl-C or SIGTERM; the second one ends the process at once. */
  readonly signal: AbortSignal;
}

/** One file in commands/ exports one of these as `command`. */
export interface CommandModule {
  /** Builds the commander command: options, help with examples, and an action that throws KindredError on failure. */
  build(context: CommandContext): Command;
}
