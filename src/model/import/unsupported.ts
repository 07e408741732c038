import { KindredError } from '../../core/errors.js';

export function unsupported(what: string, hint: string, field?: string, cause?: unknown): KindredError {
  return new KindredError('import-unsupported', what, { hint, field, cause });
}
