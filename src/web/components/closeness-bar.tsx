import { closeness, formatDistance, formatScore } from '../state/format.js';

interface ClosenessBarProps {
  readonly distance: number;
  /** Null when the model is not calibrated. */
  readonly score: number | null;
}

/** How near a result is: a bar that is full for the same picture, the distance beside it, and what that makes likely. */
export function ClosenessBar({ distance, score }: ClosenessBarProps) {
  return (
    <span class="closeness">
      <span class="closeness-bar" aria-hidden="true">
        <span class="closeness-fill" style={{ inlineSize: `${Math.round(closeness(distance) * 100)}%` }} />
      </span>
      <span class="closeness-number">{formatDistance(distance)}</span>
      {score !== null && <span class="closeness-score">likely the same: {formatScore(score)}</span>}
    </span>
  );
}
