import { CloseIcon } from './icons.js';

/** A line about something that was tried and could not be done. */
export function Notice({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <div class="notice" role="alert">
      <p>{text}</p>
      <button type="button" class="icon-button" aria-label="Dismiss this message" onClick={onClose}>
        <CloseIcon />
      </button>
    </div>
  );
}
