import type { ComponentChildren } from 'preact';
import { SearchIcon } from './icons.js';

/** Says calmly that there is nothing to show, why, and what to do. */
export function EmptyPanel({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="state-panel">
      <SearchIcon />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
