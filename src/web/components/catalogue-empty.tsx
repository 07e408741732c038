import type { RefObject } from 'preact';

/** The index has no items yet. */
export function CatalogueEmpty({ heading }: { heading: RefObject<HTMLHeadingElement> }) {
  return (
    <div class="state-panel state-page">
      <h1 ref={heading} tabIndex={-1}>
        This catalogue is still empty
      </h1>
      <p>
        kindred finds the items of a catalogue that look like a picture. Put a folder of images into this index, then
        reload the page:
      </p>
      <pre class="command">
        <code>npx kindred index --model MODEL --images FOLDER --out INDEX</code>
      </pre>
    </div>
  );
}
