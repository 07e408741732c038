/** An image that is still encoded (JPEG, PNG, WebP, AVIF …): a file, or its bytes. */
export type ImageSource = { readonly path: string } | { readonly bytes: Uint8Array };

/** A part of a picture in fractions of its width and height after EXIF rotation, each in 0 … 1; w, h > 0. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Decoded pixels: 8-bit sRGB, interleaved RGB, row by row; `data.length === width * height * 3`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** More pixels than this are refused from the header alone, before anything is decoded. */
export const maxPixels = 50_000_000;
