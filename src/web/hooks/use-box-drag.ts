import type { RefObject, TargetedPointerEvent } from 'preact';
import { useState } from 'preact/hooks';
import {
  boxBetween,
  contains,
  corners,
  moveBox,
  oppositeCorner,
  type Box,
  type Corner,
  type Point,
} from '../state/box.js';

type Drag =
  | { readonly kind: 'span'; readonly anchor: Point }
  | { readonly kind: 'move'; readonly from: Point; readonly box: Box };

function cornerOf(target: EventTarget | null): Corner | undefined {
  const name = target instanceof HTMLElement ? target.dataset['corner'] : undefined;
  return corners.find((corner) => corner === name);
}

type Handler = (event: TargetedPointerEvent<HTMLElement>) => void;

export interface BoxDrag {
  /** The box as it looks while it is dragged, or null when nothing is being dragged. */
  readonly draft: Box | null;
  readonly handlers: {
    readonly onPointerDown: Handler;
    readonly onPointerMove: Handler;
    readonly onPointerUp: Handler;
    readonly onPointerCancel: Handler;
  };
}

/**
 * Drawing, moving and resizing a box with a mouse, pen or finger. A finger on the picture scrolls the page as everywhere
 * else, and only moves a box that is there.
 */
export function useBoxDrag(frame: RefObject<HTMLElement>, box: Box | null, onCommit: (box: Box) => void): BoxDrag {
  const [drag, setDrag] = useState<Drag | null>(null);
  const [draft, setDraft] = useState<Box | null>(null);

  const pointOf = (event: PointerEvent): Point => {
    const bounds = frame.current?.getBoundingClientRect();
    if (!bounds || bounds.width === 0 || bounds.height === 0) return { x: 0, y: 0 };
    return { x: (event.clientX - bounds.left) / bounds.width, y: (event.clientY - bounds.top) / bounds.height };
  };
  const start = (event: PointerEvent, point: Point): Drag | null => {
    const corner = cornerOf(event.target);
    if (box && corner) return { kind: 'span', anchor: oppositeCorner(box, corner) };
    if (box && contains(box, point)) return { kind: 'move', from: point, box };
    return event.pointerType === 'touch' ? null : { kind: 'span', anchor: point };
  };
  const stop = (): void => {
    setDrag(null);
    setDraft(null);
  };

  return {
    draft,
    handlers: {
      onPointerDown: (event) => {
        if (event.button !== 0) return;
        const next = start(event, pointOf(event));
        if (!next) return;
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag(next);
      },
      onPointerMove: (event) => {
        if (!drag) return;
        const point = pointOf(event);
        setDraft(
          drag.kind === 'move'
            ? moveBox(drag.box, point.x - drag.from.x, point.y - drag.from.y)
            : boxBetween(drag.anchor, point),
        );
      },
      onPointerUp: () => {
        if (drag && draft) onCommit(draft);
        stop();
      },
      onPointerCancel: stop,
    },
  };
}
