import { useState } from 'preact/hooks';
import { thumbnailUrl } from '../api/urls.js';
import { PictureIcon } from './icons.js';

interface ItemPictureProps {
  readonly image: string | null;
  readonly alt: string;
  /** Fetched at once instead of when it comes into view. */
  readonly eager?: boolean;
}

/** The square thumbnail of an item; a quiet sign in its place when there is none. */
export function ItemPicture({ image, alt, eager = false }: ItemPictureProps) {
  const [broken, setBroken] = useState<string | null>(null);
  if (image === null || broken === image) {
    return (
      <span class="tile tile-empty" role="img" aria-label={`${alt} (no picture)`}>
        <PictureIcon />
      </span>
    );
  }
  return (
    <span class="tile">
      <img
        src={thumbnailUrl(image, 200)}
        srcset={`${thumbnailUrl(image, 200)} 200w, ${thumbnailUrl(image, 400)} 400w`}
        sizes="200px"
        alt={alt}
        loading={eager ? 'eager' : 'lazy'}
        decoding="async"
        draggable={false}
        onError={() => setBroken(image)}
      />
    </span>
  );
}
