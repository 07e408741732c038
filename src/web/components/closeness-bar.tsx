import { closeness, formatDistance } from '../state/format.js';

/** How near a result is: a bar that is full for the same picture, and the distance beside it. */
export function ClosenessBar({ distance }: { distance: number }) {
  return (
    <span class="closeness">
      <span class="closeness-bar" aria-hidden="true">
        <span class="closeness-fill" style={{ inlineSize: `${Math.round(closeness(distance) * 100)}%` }} />
      </span>
      <span class="closeness-number">{formatDistance(distance)}</span>
    </span>
  );
}
