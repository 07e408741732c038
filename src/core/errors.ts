/**
 * Every failure that a user can meet has a stable code. The table says what the two edges make of it: the process
 * exit code on the command line and the status over HTTP.
 */
export const errorCodes = {
  usage: { exit: 2, http: 422 },
  'unknown-command': { exit: 2, http: 404 },
  'unknown-option': { exit: 2, http: 422 },
  'unknown-name': { exit: 2, http: 422 },
  'invalid-option': { exit: 2, http: 422 },
  'invalid-json': { exit: 1, http: 400 },
  'invalid-request': { exit: 1, http: 400 },
  'invalid-vector': { exit: 1, http: 422 },
  'invalid-cursor': { exit: 1, http: 400 },
  'invalid-box': { exit: 1, http: 422 },
  'unknown-filter-field': { exit: 1, http: 422 },
  'item-not-found': { exit: 1, http: 404 },
  'precondition-failed': { exit: 1, http: 412 },
  'writes-disabled': { exit: 1, http: 403 },
  'key-missing': { exit: 1, http: 401 },
  'key-invalid': { exit: 1, http: 401 },
  'scope-missing': { exit: 1, http: 403 },
  'rate-limited': { exit: 1, http: 429 },
  'keys-invalid': { exit: 1, http: 500 },
  'route-not-found': { exit: 1, http: 404 },
  'method-not-allowed': { exit: 1, http: 405 },
  'image-unsupported': { exit: 1, http: 415 },
  'image-unreadable': { exit: 1, http: 422 },
  'image-too-large': { exit: 1, http: 422 },
  'image-missing': { exit: 1, http: 404 },
  'body-too-large': { exit: 1, http: 413 },
  'url-too-long': { exit: 1, http: 414 },
  'content-type-unsupported': { exit: 1, http: 415 },
  'host-not-allowed': { exit: 1, http: 403 },
  'origin-not-allowed': { exit: 1, http: 403 },
  'file-not-found': { exit: 1, http: 500 },
  'file-unreadable': { exit: 1, http: 500 },
  'folder-not-writable': { exit: 1, http: 500 },
  'disk-full': { exit: 1, http: 507 },
  'output-exists': { exit: 1, http: 500 },
  'dataset-invalid': { exit: 1, http: 500 },
  'dataset-empty': { exit: 1, http: 500 },
  'dataset-too-small': { exit: 1, http: 500 },
  'source-missing': { exit: 1, http: 500 },
  'archive-damaged': { exit: 1, http: 500 },
  'backbone-missing': { exit: 1, http: 500 },
  'backbone-unsupported': { exit: 1, http: 500 },
  'input-size-unsupported': { exit: 2, http: 422 },
  'backend-unavailable': { exit: 1, http: 500 },
  'bundle-damaged': { exit: 1, http: 500 },
  'bundle-invalid': { exit: 1, http: 500 },
  'import-unsupported': { exit: 1, http: 500 },
  'export-mismatch': { exit: 1, http: 500 },
  'quantization-loss': { exit: 1, http: 500 },
  'checkpoint-invalid': { exit: 1, http: 500 },
  'batch-too-large': { exit: 1, http: 500 },
  'training-collapsed': { exit: 1, http: 500 },
  'results-invalid': { exit: 1, http: 500 },
  'model-mismatch': { exit: 1, http: 409 },
  'calibration-missing': { exit: 1, http: 409 },
  'index-missing': { exit: 1, http: 500 },
  'index-damaged': { exit: 1, http: 500 },
  'index-locked': { exit: 1, http: 500 },
  'index-too-new': { exit: 1, http: 500 },
  'snapshot-damaged': { exit: 1, http: 500 },
  'snapshot-exists': { exit: 1, http: 409 },
  'snapshot-running': { exit: 1, http: 409 },
  'reindex-incomplete': { exit: 1, http: 409 },
  'port-in-use': { exit: 1, http: 500 },
  'addon-missing': { exit: 1, http: 500 },
  'worker-died': { exit: 1, http: 500 },
  overloaded: { exit: 1, http: 503 },
  'timed-out': { exit: 1, http: 503 },
  interrupted: { exit: 130, http: 503 },
  internal: { exit: 1, http: 500 },
} as const satisfies Record<string, { readonly exit: number; readonly http: number }>;

export type ErrorCode = keyof typeof errorCodes;

export interface KindredErrorOptions {
  /** What to do about it: one imperative sentence, with the command where there is one. */
  readonly hint?: string | undefined;
  /** The option, field or file at fault, as the user wrote it. */
  readonly field?: string | undefined;
  readonly cause?: unknown;
}

/** The one error type that crosses rooms. The message says what is wrong and where; `hint` says what to do. */
export class KindredError extends Error {
  override readonly name = 'KindredError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: KindredErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.field = options.field;
  }
}

/** True for Node's system errors, optionally of one code ('ENOENT', 'ENOSPC', …). */
export function isSystemError(error: unknown, code?: string): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && (code === undefined || error.code === code);
}

/** Gives a system error met while writing `path` its code, and passes anything else on as it is. */
export function writeError(error: unknown, path: string): unknown {
  if (isSystemError(error, 'ENOSPC') || isSystemError(error, 'EDQUOT')) {
    return new KindredError('disk-full', `no space left to write ${path}`, {
      hint: 'Free some space, then run the same command again.',
      cause: error,
    });
  }
  if (isSystemError(error, 'EACCES') || isSystemError(error, 'EROFS') || isSystemError(error, 'EPERM')) {
    return new KindredError('folder-not-writable', `cannot write ${path}`, {
      hint: 'Check its permissions, or choose another folder.',
      cause: error,
    });
  }
  if (isSystemError(error, 'EIO')) {
    return new KindredError('file-unreadable', `reading or writing ${path} failed`, {
      hint: 'Check the disk.',
      cause: error,
    });
  }
  return error;
}

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly field: string | undefined;
}

/** A form that survives a worker's message port, where class identity is lost. */
export function toPlainError(error: unknown): PlainError {
  if (error instanceof KindredError) {
    return { code: error.code, message: error.message, hint: error.hint, field: error.field };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message, hint: undefined, field: undefined };
}

export function fromPlainError(plain: PlainError): KindredError {
  return new KindredError(plain.code, plain.message, { hint: plain.hint, field: plain.field });
}
