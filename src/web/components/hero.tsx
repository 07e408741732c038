import type { RefObject } from 'preact';
import { PictureDrop } from './picture-drop.js';
import { Samples } from './samples.js';

/** What this is, in a sentence, and the two ways to begin. */
export function Hero({ heading }: { heading: RefObject<HTMLHeadingElement> }) {
  return (
    <section class="hero">
      <div class="hero-text">
        <h1 ref={heading} tabIndex={-1}>
          Find what looks alike
        </h1>
        <p class="lede">
          Show kindred a picture, and it finds the items of this catalogue that look most like it – by what is in the
          picture, not by words.
        </p>
      </div>
      <PictureDrop />
      <Samples />
    </section>
  );
}
