import type { Response } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { KindredError } from '../../core/errors.js';

export interface RateLimit {
  readonly requests: number;
  readonly seconds: number;
}

/** Attempts with a wrong key from one address; a right one is never held up by them. */
export const failedLimit: RateLimit = { requests: 20, seconds: 60 };

export interface Rates {
  /** Counts a request of a key, or of an address. Absent where requests are not limited. @throws KindredError rate-limited */
  readonly request?: ((who: string, response: Response) => Promise<void>) | undefined;
  /** Counts an attempt with a wrong key. @throws KindredError rate-limited */
  readonly failed: (address: string, response: Response) => Promise<void>;
}

/** What the limiter rejects with is no error when it only says no. */
function stateIn(thrown: unknown): RateLimiterRes {
  if (thrown instanceof RateLimiterRes) return thrown;
  throw thrown;
}

function limiter({ requests, seconds }: RateLimit, what: string): Rates['failed'] {
  const memory = new RateLimiterMemory({ points: requests, duration: seconds });
  return async (who, response) => {
    const state = await memory.consume(who).catch(stateIn);
    const reset = Math.max(1, Math.ceil(state.msBeforeNext / 1000));
    response.set({
      'RateLimit-Limit': String(requests),
      'RateLimit-Remaining': String(Math.max(0, state.remainingPoints)),
      'RateLimit-Reset': String(reset),
    });
    if (state.consumedPoints <= requests) return;
    response.set('Retry-After', String(reset));
    throw new KindredError('rate-limited', `more than ${requests} ${what} in ${seconds} s`, {
      hint: 'Wait as long as Retry-After says.',
    });
  };
}

export function createRates(perCaller: RateLimit | undefined, failures: RateLimit = failedLimit): Rates {
  return {
    request: perCaller && limiter(perCaller, 'requests'),
    failed: limiter(failures, 'attempts with a wrong key'),
  };
}
