import type { CommandContext } from '../../src/cli/command.js';
import type { ProgressEvent } from '../../src/core/progress.js';

/** A command's context without a terminal: what it says is kept. */
export interface Collected {
  readonly context: CommandContext;
  readonly out: string[];
  readonly warnings: string[];
  readonly events: ProgressEvent[];
}

export function collect(signal: AbortSignal = new AbortController().signal): Collected {
  const out: string[] = [];
  const warnings: string[] = [];
  const events: ProgressEvent[] = [];
  const context: CommandContext = {
    out: (text) => out.push(text),
    warn: (text) => warnings.push(text),
    progress: (event) => events.push(event),
    signal,
  };
  return { context, out, warnings, events };
}
