import type { TargetedEvent } from 'preact';
import { useRef } from 'preact/hooks';
import { useApp } from '../hooks/use-app.js';
import { PictureIcon } from './icons.js';

/** Opens the file dialog and searches with the picture that is chosen. */
export function PictureButton({ text, primary = false }: { text: string; primary?: boolean }) {
  const { openPicture } = useApp();
  const input = useRef<HTMLInputElement>(null);
  const choose = (event: TargetedEvent<HTMLInputElement>): void => {
    const file = event.currentTarget.files?.[0];
    // Emptied, so that choosing the same file again is a change again.
    event.currentTarget.value = '';
    if (file) openPicture(file);
  };
  return (
    <>
      <button type="button" class={primary ? 'button button-primary' : 'button'} onClick={() => input.current?.click()}>
        <PictureIcon />
        {text}
      </button>
      <input ref={input} type="file" accept="image/*" hidden onChange={choose} aria-label={text} />
    </>
  );
}
