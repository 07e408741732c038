import { PictureButton } from './picture-button.js';

const pasteKeys = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘ V' : 'Ctrl V';

/** The large area that invites a picture. Dropping and pasting work anywhere on the page; this says so. */
export function PictureDrop() {
  return (
    <div class="picture-drop">
      <PictureButton text="Choose a picture" primary />
      <p class="picture-drop-more mouse-only">
        or drop one anywhere on this page, or paste it with <kbd>{pasteKeys}</kbd>
      </p>
      <p class="picture-drop-more touch-only">from your photos, or take one now</p>
    </div>
  );
}
