import { KindredError } from '../../../src/core/errors.js';

/** The error that `run` throws for the user. */
export function refusal(run: () => unknown): KindredError {
  try {
    run();
  } catch (error) {
    if (error instanceof KindredError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
