import type { ApiProblem } from '../server/schemas/api.js';

export interface FailureFacts {
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Seconds after which the server asked to be tried again. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Why a call failed. `code` is one of the codes in kindred's docs/errors.md, or of this client's own: 'unreachable' when
 * no answer came, 'unexpected-answer' when what answered is not kindred.
 */
export class KindredClientError extends Error {
  override readonly name = 'KindredClientError';
  readonly code: string;
  readonly status: number;
  readonly field: string | undefined;
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(problem: Pick<ApiProblem, 'code' | 'detail' | 'field' | 'hint'>, facts: FailureFacts) {
    super(problem.detail, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = problem.code;
    this.field = problem.field;
    this.hint = problem.hint;
    this.status = facts.status;
    this.retryAfter = facts.retryAfter;
  }
}
