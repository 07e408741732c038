import { join, posix, resolve, sep } from 'node:path';

/** The folder of an index in which it keeps pictures by their hashes, for all of its versions. */
export const imagesFolder = 'blobs';

/** Of the pictures that rows name: those that the index itself keeps, by their names in it ('blobs/…'). */
export function storedImages(root: string, images: readonly string[]): string[] {
  const own = join(root, imagesFolder) + sep;
  return images
    .map((image) => resolve(root, image))
    .filter((path) => path.startsWith(own))
    .map((path) => posix.join(imagesFolder, ...path.slice(own.length).split(sep)));
}

/** The hash that a stored picture's name is. */
export function hashInName(name: string): string | undefined {
  return /(?:^|[\\/])([0-9a-f]{64})(?:\.\w+)?$/.exec(name)?.[1];
}
