import type { RefObject, TargetedKeyboardEvent } from 'preact';
import { corners, describeBox, moveBox, resizeBox, type Box } from '../state/box.js';

interface SelectionBoxProps {
  readonly boxRef: RefObject<HTMLDivElement>;
  readonly box: Box;
  readonly onMove: (box: Box) => void;
  /** Search at once. */
  readonly onCommit: () => void;
  readonly onClear: () => void;
}

const step = 0.02;
const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-step, 0],
  ArrowRight: [step, 0],
  ArrowUp: [0, -step],
  ArrowDown: [0, step],
};

/** The marked part. It takes the focus, and moves and resizes with the arrow keys. */
export function SelectionBox({ boxRef, box, onMove, onCommit, onClear }: SelectionBoxProps) {
  const press = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    const direction = directions[event.key];
    if (direction) {
      const [dx, dy] = direction;
      onMove(event.shiftKey ? resizeBox(box, dx, dy) : moveBox(box, dx, dy));
    } else if (event.key === 'Enter') onCommit();
    else if (event.key === 'Delete' || event.key === 'Backspace' || event.key === 'Escape') onClear();
    else return;
    event.preventDefault();
  };
  const percent = (value: number): string => `${value * 100}%`;
  return (
    <div
      ref={boxRef}
      class="selection"
      // Arrow keys must reach the page instead of moving a screen reader's own cursor.
      role="application"
      aria-roledescription="marked part"
      aria-label={`Marked part: ${describeBox(box)}`}
      aria-describedby="box-help"
      tabIndex={0}
      style={{ left: percent(box.x), top: percent(box.y), width: percent(box.w), height: percent(box.h) }}
      onKeyDown={press}
    >
      {corners.map((corner) => (
        <span key={corner} class={`handle handle-${corner}`} data-corner={corner} />
      ))}
    </div>
  );
}
