import { useEffect, useRef, useState } from 'preact/hooks';
import { useBoxDrag } from '../hooks/use-box-drag.js';
import type { Box } from '../state/box.js';
import { CropIcon, PictureIcon } from './icons.js';
import { SelectionBox } from './selection-box.js';

interface BoxEditorProps {
  /** Null while it is not known, or when the item has no picture. */
  readonly src: string | null;
  readonly waiting: boolean;
  /** Says why there is nothing to show when `src` is null. */
  readonly reason: string;
  readonly alt: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly box: Box | null;
  readonly onChange: (box: Box | null) => void;
}

const firstBox: Box = { x: 0.25, y: 0.25, w: 0.5, h: 0.5 };
/** Long enough to press an arrow key again. */
const keyboardPauseMs = 500;

/** The picture with the part that is searched for, marked by dragging or with the keyboard. */
export function BoxEditor({ src, waiting, reason, alt, width, height, box, onChange }: BoxEditorProps) {
  const frame = useRef<HTMLDivElement>(null);
  const selection = useRef<HTMLDivElement>(null);
  const mark = useRef<HTMLButtonElement>(null);
  const [natural, setNatural] = useState<{ width: number; height: number } | null>(null);
  const [broken, setBroken] = useState(false);
  const [typed, setTyped] = useState<Box | null>(null);
  const focusNext = useRef<'selection' | 'mark' | null>(null);

  const commit = (next: Box | null): void => {
    setTyped(null);
    focusNext.current = next ? 'selection' : 'mark';
    onChange(next);
  };
  const { draft, handlers } = useBoxDrag(frame, typed ?? box, commit);
  const shown = draft ?? typed ?? box;

  useEffect(() => {
    if (!typed) return;
    const timer = setTimeout(() => commit(typed), keyboardPauseMs);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    // The element exists only after the box has come or gone.
    if (focusNext.current === 'selection') selection.current?.focus({ preventScroll: true });
    if (focusNext.current === 'mark') mark.current?.focus({ preventScroll: true });
    focusNext.current = null;
  }, [box]);

  const size = natural ?? (width && height ? { width, height } : null);
  const ratio = size ? size.width / size.height : 1;
  const usable = src !== null && !broken;
  return (
    <div class="box-editor">
      <div
        ref={frame}
        class={usable ? 'picture' : 'picture picture-empty'}
        style={{ aspectRatio: String(ratio), '--ratio': String(ratio) }}
        {...(usable ? handlers : {})}
      >
        {usable ? (
          <img
            src={src}
            alt={alt}
            draggable={false}
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
              // An image without a size of its own says 0.
              setNatural(naturalWidth && naturalHeight ? { width: naturalWidth, height: naturalHeight } : null)
            }
            onError={() => setBroken(true)}
          />
        ) : waiting ? (
          <span class="skeleton" />
        ) : (
          <span class="picture-sign">
            <PictureIcon />
            {src === null ? reason : 'This browser cannot show the picture'}
          </span>
        )}
        {usable && shown && (
          <SelectionBox
            boxRef={selection}
            box={shown}
            onMove={setTyped}
            onCommit={() => typed && commit(typed)}
            onClear={() => commit(null)}
          />
        )}
      </div>
      {waiting && <div class="box-controls" aria-hidden="true" />}
      {usable && (
        <div class="box-controls">
          {shown ? (
            <button type="button" class="button button-small" onClick={() => commit(null)}>
              Search the whole picture
            </button>
          ) : (
            <button ref={mark} type="button" class="button button-small" onClick={() => commit(firstBox)}>
              <CropIcon />
              Search for a part
            </button>
          )}
          <p class="note" id="box-help">
            {shown ? (
              <>
                Drag it, or its corners.{' '}
                <span class="mouse-only">
                  Or use the <kbd>arrow keys</kbd>, with <kbd>Shift</kbd> to resize.
                </span>
              </>
            ) : (
              <span class="mouse-only">or drag over the part that matters</span>
            )}
          </p>
        </div>
      )}
    </div>
  );
}
