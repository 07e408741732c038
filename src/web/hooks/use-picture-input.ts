import { useEffect, useState } from 'preact/hooks';

function firstFile(transfer: DataTransfer | null): File | null {
  if (!transfer) return null;
  const files = [...transfer.files];
  return files.find((file) => file.type.startsWith('image/')) ?? files[0] ?? null;
}

function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}

/** True for files, in contrast to text and links. */
function bringsFiles(event: DragEvent): boolean {
  const types = event.dataTransfer?.types ?? [];
  return types.includes('Files');
}

/**
 * Takes pictures that are pasted or dropped anywhere on the page.
 * @returns whether files are being dragged over the page just now
 */
export function usePictureInput(onPicture: (file: File) => void, onNothing: (message: string) => void): boolean {
  const [dragging, setDragging] = useState(false);

  useEffect(() => {
    let depth = 0;
    const reset = (): void => {
      depth = 0;
      setDragging(false);
    };
    const paste = (event: ClipboardEvent): void => {
      const file = firstFile(event.clipboardData);
      if (file) {
        event.preventDefault();
        onPicture(file);
      } else if (!isTextField(event.target)) {
        onNothing('There is no picture on the clipboard. Copy the picture itself, not its address.');
      }
    };
    // A link of this page that is dragged about is no attempt to search.
    let ownDrag = false;
    const begin = (): void => {
      ownDrag = true;
    };
    const end = (): void => {
      ownDrag = false;
    };
    const enter = (event: DragEvent): void => {
      if (!bringsFiles(event)) return;
      depth += 1;
      setDragging(true);
    };
    const leave = (event: DragEvent): void => {
      if (!bringsFiles(event)) return;
      depth -= 1;
      if (depth <= 0) reset();
    };
    // Without this a dropped file replaces the page.
    const over = (event: DragEvent): void => event.preventDefault();
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      reset();
      const file = firstFile(event.dataTransfer);
      if (file) onPicture(file);
      else if (!ownDrag)
        onNothing('Only picture files can be dropped here. Save the picture first, then drop the file.');
    };
    window.addEventListener('paste', paste);
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('dragover', over);
    window.addEventListener('drop', drop);
    window.addEventListener('dragstart', begin);
    window.addEventListener('dragend', end);
    return () => {
      window.removeEventListener('paste', paste);
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('dragover', over);
      window.removeEventListener('drop', drop);
      window.removeEventListener('dragstart', begin);
      window.removeEventListener('dragend', end);
    };
  }, [onPicture, onNothing]);

  return dragging;
}
