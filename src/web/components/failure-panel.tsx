import type { ComponentChildren } from 'preact';
import type { Failure } from '../api/failure.js';
import { sentence } from '../state/format.js';
import { AlertIcon } from './icons.js';

interface FailurePanelProps {
  readonly failure: Failure;
  readonly onRetry: () => void;
  /** A way on, when trying again is of no use. */
  readonly children?: ComponentChildren;
}

/** What went wrong, what to do, and the button that does it. */
export function FailurePanel({ failure, onRetry, children }: FailurePanelProps) {
  return (
    <div class="state-panel state-failure" role="alert">
      <AlertIcon />
      <h2>{failure.title}</h2>
      <p>{sentence(failure.message)}</p>
      {failure.hint !== undefined && <p>{sentence(failure.hint)}</p>}
      <div class="actions">
        {failure.retryable && (
          <button type="button" class="button button-primary" onClick={onRetry}>
            Try again
          </button>
        )}
        {children}
      </div>
      <p class="state-code">{failure.code}</p>
    </div>
  );
}
