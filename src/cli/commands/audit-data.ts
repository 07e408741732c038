import type { CommandContext } from '../command.js';
import { auditProtocol, type ProtocolVerdict } from '../../evaluate/audit/protocol.js';
import { embedItems } from '../../evaluate/embed-items.js';
import type { TrainingRecord } from '../../evaluate/zero-shot.js';
import type { Embedder } from '../../core/embedder.js';
import { loadDataset } from '../../data/dataset-folder.js';
import { hashDataset } from '../../data/image-hashes.js';

/** A model whose training is audited, and whose embeddings are compared across the splits. */
export interface AuditedModel {
  /** Null: its bundle does not say. */
  readonly training: TrainingRecord | null;
  readonly open: () => Promise<Embedder>;
}

/**
 * Audits a prepared data set, and a model's training on it: everything that `kindred eval` looks at, and the embeddings of
 * all splits.
 * @throws KindredError file-not-found, dataset-invalid, interrupted
 */
export async function runProtocolAudit(
  folder: string,
  readModel: (() => Promise<AuditedModel>) | undefined,
  { progress, signal }: CommandContext,
): Promise<ProtocolVerdict> {
  const dataset = await loadDataset(folder);
  const model = await readModel?.();
  const hashes = await hashDataset(dataset, { progress, signal });
  if (!model) return auditProtocol({ dataset, hashes });
  const items = dataset.items.filter(({ split }) => split !== 'none');
  const embedder = await model.open();
  try {
    const { root } = dataset;
    const embedded = await embedItems({ root, items, embedder, stage: 'embedding', progress, signal });
    const { dimension } = embedder;
    return await auditProtocol({ dataset, hashes, embedded: { ...embedded, dimension }, training: model.training });
  } finally {
    await embedder.close();
  }
}
