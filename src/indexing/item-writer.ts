import type { Embedder } from '../core/embedder.js';
import { KindredError } from '../core/errors.js';
import { sha256 } from '../core/hashing.js';
import type { Metadata } from '../core/metadata.js';
import { checkedUnitVector } from '../core/vectors.js';
import type { BlobStore } from './blobs.js';
import type { Catalogue, CatalogueItem, NewItem, PutOutcome, WriteCondition } from './catalogue.js';
import { itemTag } from './item-tag.js';

/** An item as somebody sends it: with its picture, with a vector of the index's model, or with neither to change the rest. */
export interface ItemToWrite {
  readonly id: string;
  readonly label: string | null;
  readonly metadata: Metadata;
  readonly content:
    | { readonly image: Uint8Array }
    | { readonly vector: readonly number[] }
    /** Label and metadata of an item that is there. */
    | 'kept';
}

export interface Written {
  readonly outcome: PutOutcome;
  readonly item: CatalogueItem;
}

/** Writes single items while the index is searched: what has resolved is durable, and found. */
export interface ItemWriter {
  /** @throws KindredError image-*, invalid-vector, invalid-request, item-not-found, precondition-failed, disk-full */
  put(item: ItemToWrite, condition?: WriteCondition): Promise<Written>;
  /** False where no such item was. @throws KindredError precondition-failed, disk-full */
  delete(id: string, condition?: WriteCondition): Promise<boolean>;
}

export interface ItemWriterParts {
  readonly catalogue: Catalogue;
  readonly embedder: Embedder;
  /** Where pictures are kept; null: their embedding is all that stays of them. */
  readonly blobs: BlobStore | null;
}

export function createItemWriter({ catalogue, embedder, blobs }: ItemWriterParts): ItemWriter {
  const embed = async (image: Uint8Array): Promise<Pick<NewItem, 'embedding' | 'width' | 'height'>> => {
    const [outcome] = await embedder.embed([{ image: { bytes: image } }]);
    if (outcome === undefined) throw new KindredError('internal', 'the embedder gave no outcome');
    if (!outcome.ok) throw outcome.error;
    const { embedding, width, height } = outcome;
    return { embedding, width, height };
  };

  /** The same picture again costs no embedding. */
  const embeddedBefore = async (id: string, contentHash: string) => {
    const known = await catalogue.lookup(id);
    if (known?.item.contentHash !== contentHash) return undefined;
    const { embedding, item } = known;
    return { embedding, width: item.width, height: item.height };
  };

  const fromImage = async ({ id, label, metadata }: ItemToWrite, image: Uint8Array): Promise<NewItem> => {
    const contentHash = sha256(image);
    const seen = (await embeddedBefore(id, contentHash)) ?? (await embed(image));
    const imagePath = blobs ? await blobs.put(image, contentHash) : null;
    return { id, label, metadata, imagePath, contentHash, ...seen };
  };

  const fromVector = ({ id, label, metadata }: ItemToWrite, values: readonly number[]): NewItem => {
    const embedding = checkedUnitVector(values, catalogue.dimension);
    const contentHash = sha256(new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength));
    return { id, label, metadata, imagePath: null, width: null, height: null, contentHash, embedding };
  };

  const keepContent = async (
    wanted: ItemToWrite,
    condition: WriteCondition | undefined,
    triesLeft = 4,
  ): Promise<Written> => {
    const { id, label, metadata } = wanted;
    const known = await catalogue.lookup(id);
    if (!known) {
      throw new KindredError(
        'item-not-found',
        `no item "${id.slice(0, 200)}" whose label or metadata could be changed`,
        {
          field: 'id',
          hint: 'Send an image or a vector with a new item.',
        },
      );
    }
    try {
      // Only if nobody gave it another picture since.
      const { item, embedding } = known;
      return await store({ ...item, label, metadata, embedding }, condition ?? { ifMatch: itemTag(item) });
    } catch (error) {
      const overtaken =
        condition === undefined && error instanceof KindredError && error.code === 'precondition-failed';
      if (!overtaken || triesLeft === 0) throw error;
      return keepContent(wanted, condition, triesLeft - 1);
    }
  };

  const store = async (item: NewItem, condition: WriteCondition | undefined): Promise<Written> => {
    const [outcome] = await catalogue.put([item], condition);
    if (outcome === undefined) throw new KindredError('internal', 'the catalogue gave no outcome');
    return { outcome, item };
  };

  return {
    async put(wanted, condition) {
      const { content } = wanted;
      if (content === 'kept') return keepContent(wanted, condition);
      const item = 'image' in content ? await fromImage(wanted, content.image) : fromVector(wanted, content.vector);
      return store(item, condition);
    },
    delete: async (id, condition) => (await catalogue.delete([id], condition)) > 0,
  };
}
