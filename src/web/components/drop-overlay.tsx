import { PictureIcon } from './icons.js';

/** Covers the page while a file is dragged over it: it may be dropped anywhere. */
export function DropOverlay({ visible }: { visible: boolean }) {
  if (!visible) return null;
  return (
    <div class="drop-overlay" aria-hidden="true">
      <div class="drop-overlay-card">
        <PictureIcon />
        <p>Drop it to find what looks alike</p>
      </div>
    </div>
  );
}
