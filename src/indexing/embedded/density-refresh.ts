import type { Densities } from './densities.js';
import type { Tuning } from './format.js';

export interface DensityRefreshOptions {
  readonly densities: Densities;
  readonly tuning: Tuning;
  /** False while something more urgent is to be done first. */
  readonly mayWork: () => boolean;
  /** Called when everything is up to date, or cannot be brought there. */
  readonly onDone: () => void;
}

/** Brings the densities up to date in short steps: when nothing has been written for a while, at once if hurried. */
export class DensityRefresh {
  readonly #options: DensityRefreshOptions;
  #timer: NodeJS.Timeout | undefined;
  #hurried = false;
  #stopped = false;
  /** When the last change came, and the first one that no step has followed yet. */
  #lastWrite = -Infinity;
  #firstWrite = Infinity;
  /** What went wrong at the last step. It is tried again after the next change, and what is left to write at closing. */
  #fault: unknown;

  constructor(options: DensityRefreshOptions) {
    this.#options = options;
  }

  get done(): boolean {
    return this.#stopped || this.#fault !== undefined || !this.#options.densities.behind;
  }

  /** A change was committed. */
  written(): void {
    this.#fault = undefined;
    this.#lastWrite = performance.now();
    this.#firstWrite = Math.min(this.#firstWrite, this.#lastWrite);
  }

  /** Somebody waits for it. */
  hurry(): void {
    this.#hurried = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.start();
  }

  start(): void {
    if (this.#timer !== undefined || this.#stopped || !this.#options.mayWork()) return;
    if (this.done) {
      this.#hurried = false;
      this.#options.onDone();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#step();
    }, this.#wait());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): number {
    if (this.#hurried) return 0;
    const { densityIdleMs } = this.#options.tuning;
    const due = Math.min(this.#lastWrite + densityIdleMs, this.#firstWrite + 10 * densityIdleMs);
    // At least as long a rest as a step takes: searches that arrive meanwhile are answered in it.
    return Math.max(this.#options.tuning.densityChunkMs, due - performance.now());
  }

  #step(): void {
    const { densities, tuning } = this.#options;
    if (!this.#hurried && this.#wait() > tuning.densityChunkMs) {
      this.start();
      return;
    }
    try {
      // Whoever waits for it has nothing else to do meanwhile.
      densities.step(this.#hurried ? tuning.chunkMs : tuning.densityChunkMs);
      densities.save();
    } catch (error) {
      this.#fault = error;
    }
    if (!densities.behind) this.#firstWrite = Infinity;
    this.start();
  }
}
