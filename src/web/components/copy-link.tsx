import { useEffect, useState } from 'preact/hooks';
import { useApp } from '../hooks/use-app.js';
import { CheckIcon, LinkIcon } from './icons.js';

/** Puts the page's address, which holds the whole search, on the clipboard. */
export function CopyLink() {
  const { announce } = useApp();
  const [outcome, setOutcome] = useState<'none' | 'copied' | 'refused'>('none');
  useEffect(() => {
    if (outcome === 'none') return;
    const timer = setTimeout(() => setOutcome('none'), 4000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      // Rejects without permission, and throws over plain HTTP, where there is no clipboard.
      await navigator.clipboard.writeText(window.location.href);
      setOutcome('copied');
      announce('Link copied');
    } catch {
      setOutcome('refused');
      announce('The browser did not allow copying. Copy the address from the address bar.');
    }
  };
  return (
    <div class="copy-link">
      <button type="button" class="button button-quiet" onClick={() => void copy()}>
        {outcome === 'copied' ? <CheckIcon /> : <LinkIcon />}
        {outcome === 'copied' ? 'Link copied' : 'Copy link to this search'}
      </button>
      {outcome === 'refused' && <p class="note">Copy the address from the address bar instead.</p>}
    </div>
  );
}
