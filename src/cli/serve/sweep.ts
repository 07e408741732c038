import { join } from 'node:path';
import { exists, listFolder } from '../../core/files.js';
import { blobsFolder, createBlobStore } from '../../indexing/blobs.js';
import type { OpenedIndex } from '../../indexing/index-folder.js';

/** Pictures that a crash between picture and row left behind, or whose items were deleted. */
export async function sweepBlobs({ folder, catalogue }: OpenedIndex): Promise<void> {
  if (!(await exists(join(folder, blobsFolder)))) return; // reading every row takes its time
  // Another version, kept to go back to, may name pictures that this one does not.
  if ((await listFolder(join(folder, 'versions'))).length > 1) return;
  const used = new Set<string>();
  let after: string | undefined;
  do {
    const page = await catalogue.scan({ limit: 1000, ...(after !== undefined && { after }) });
    for (const { imagePath } of page.items) if (imagePath !== null) used.add(imagePath);
    after = page.next;
  } while (after !== undefined);
  await createBlobStore(folder).sweep(used);
}
