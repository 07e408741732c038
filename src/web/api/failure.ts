import type { ApiProblem } from '../../server/schemas/api.js';

/** What the page shows when something went wrong: a title, what happened, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: string;
  readonly title: string;
  readonly hint: string | undefined;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;

  constructor(options: {
    code: string;
    title: string;
    detail: string;
    hint?: string | undefined;
    retryable: boolean;
    cause?: unknown;
  }) {
    super(options.detail, { cause: options.cause });
    this.code = options.code;
    this.title = options.title;
    this.hint = options.hint;
    this.retryable = options.retryable;
  }
}

/** What the codes that a visitor of the page may meet are called here; the server's own title serves for the rest. */
const titles: Readonly<Record<string, string>> = {
  'image-unsupported': 'This is not a picture kindred can read',
  'image-unreadable': 'This picture is damaged',
  'image-too-large': 'This picture has too many pixels',
  'body-too-large': 'This file is too large',
  'image-missing': 'The picture of this item is missing',
  'item-not-found': 'This item is not in the catalogue',
  'unknown-filter-field': 'This filter does not fit the catalogue',
  'invalid-box': 'The marked part does not fit the picture',
  'key-missing': 'This catalogue asks for a key',
  'key-invalid': 'This key is not known here',
  'scope-missing': 'This key does not allow that',
  'rate-limited': 'Too many requests',
  overloaded: 'The server is busy',
  interrupted: 'The server is stopping',
  internal: 'The server failed',
};

const hints: Readonly<Record<string, string>> = {
  'image-unsupported': 'Choose a JPEG, PNG, WebP or AVIF picture.',
  'image-unreadable': 'Open and save it in another program, or choose another picture.',
  'image-too-large': 'Make it smaller, or mark the part that matters in another program.',
  'item-not-found': 'It may have been removed since the link was made.',
  'unknown-filter-field': 'Clear the filter to see all items.',
  overloaded: 'Wait a few seconds, then try again.',
};

/** A problem as the server describes it, in words for the page. */
export function fromProblem(problem: ApiProblem, status: number): Failure {
  return new Failure({
    code: problem.code,
    title: titles[problem.code] ?? problem.title.charAt(0).toUpperCase() + problem.title.slice(1),
    detail: problem.detail,
    hint: problem.hint ?? hints[problem.code],
    // Busy, starting or failing: the same request may succeed later.
    retryable: status >= 500 || status === 429 || status === 408,
  });
}

/** True for the error that an aborted fetch rejects with. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

export function unreachable(cause: unknown): Failure {
  return new Failure({
    code: 'unreachable',
    title: 'The server cannot be reached',
    detail: 'No answer came back.',
    hint: 'Check that kindred serve is still running and that you are online, then try again.',
    retryable: true,
    cause,
  });
}

export function unexpectedAnswer(status: number, cause?: unknown): Failure {
  return new Failure({
    code: 'unexpected-answer',
    title: 'The server gave an answer this page cannot read',
    detail: `Status ${status}.`,
    hint: 'Reload the page; if that does not help, something between this page and kindred may be answering instead.',
    retryable: true,
    cause,
  });
}

export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure({
    code: 'internal',
    title: 'Something went wrong on this page',
    detail: error instanceof Error ? error.message : String(error),
    hint: 'Reload the page and try again.',
    retryable: true,
    cause: error,
  });
}
