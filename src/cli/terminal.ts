import type { ProgressEvent } from '../core/progress.js';
import type { CommandContext } from './command.js';

const redrawMs = 100;
const logEveryMs = 5_000;

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** One line of progress: share, rate and time left. */
export function formatProgress(event: ProgressEvent, elapsedSeconds: number, doneBefore: number): string {
  const unit = event.unit ?? 'images';
  const rate = (event.done - doneBefore) / Math.max(elapsedSeconds, 1e-3);
  const parts = [event.total === undefined ? `${event.done} ${unit}` : `${event.done}/${event.total} ${unit}`];
  if (rate > 0 && elapsedSeconds > 0.5) {
    parts.push(`${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)} ${unit}/s`);
    if (event.total !== undefined && event.done < event.total) {
      parts.push(`${duration((event.total - event.done) / rate)} left`);
    }
  }
  if (event.note) parts.push(event.note);
  return `${event.stage}: ${parts.join(', ')}`;
}

export interface Terminal {
  readonly context: CommandContext;
  /** Takes the progress line off the screen. */
  clear(): void;
  close(): void;
}

/** Progress, warnings and Ctrl-C for a real terminal or a log file. */
export function createTerminal(): Terminal {
  const interactive = process.stderr.isTTY;
  let stage = '';
  let started = 0;
  let doneBefore = 0;
  let drawnAt = 0;
  let onScreen = false;
  const clear = (): void => {
    if (onScreen) process.stderr.write('\r\u001b[K');
    onScreen = false;
  };
  const progress = (event: ProgressEvent): void => {
    const now = performance.now();
    if (event.stage !== stage) [stage, started, doneBefore, drawnAt] = [event.stage, now, event.done, -Infinity];
    const finished = event.total !== undefined && event.done >= event.total;
    if (!finished && now - drawnAt < (interactive ? redrawMs : logEveryMs)) return;
    drawnAt = now;
    const line = formatProgress(event, (now - started) / 1000, doneBefore);
    if (interactive) {
      clear();
      process.stderr.write(finished ? `${line}\n` : line.slice(0, Math.max(20, process.stderr.columns - 1)));
      onScreen = !finished;
    } else {
      process.stderr.write(`${line}\n`);
    }
  };
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(130);
    clear();
    process.stderr.write(`${signal} received: stopping cleanly (once more to stop at once)\n`);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    clear();
    stream.write(text.endsWith('\n') ? text : `${text}\n`);
  };
  return {
    context: {
      out: (text) => write(process.stdout, text),
      warn: (text) => write(process.stderr, text),
      progress,
      signal: controller.signal,
    },
    clear,
    close() {
      clear();
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
