import type { PlainError } from '../core/errors.js';

/** What crosses a pool worker's message port, in each direction. Both ends are ours and of the same version. */
export type ToWorker<Setup, Request> =
  | { readonly kind: 'setup'; readonly setup: Setup }
  | { readonly kind: 'job'; readonly id: number; readonly request: Request };

export type FromWorker<Response> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'done'; readonly id: number; readonly response: Response }
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError };
