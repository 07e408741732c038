import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions } from '../../config/parse.js';
import { isSystemError, KindredError } from '../../core/errors.js';
import { sha256 } from '../../core/hashing.js';
import { checkedUnitVector, norm } from '../../core/vectors.js';
import { decodeNpy, type NpyMatrix } from '../../data/npy.js';
import type { NewItem } from '../../indexing/catalogue.js';
import { createIndex, removeIndex } from '../../indexing/folder/create.js';
import { readIndexInfo } from '../../indexing/folder/info.js';
import { openIndex, type OpenedIndex } from '../../indexing/index-folder.js';
import { putItems, type PutSummary } from '../../indexing/vectors.js';
import { readBundle } from '../../model/bundle.js';
import type { CommandContext, CommandModule } from '../command.js';
import { idsBeside, readIds, type VectorRow } from './vector-ids.js';

const schema = z.object({
  out: z.string(),
  ids: z.string().optional(),
  model: z.string().optional(),
  json: z.boolean().default(false),
});
export type ImportVectorsOptions = z.infer<typeof schema>;

async function readMatrix(file: string): Promise<NpyMatrix> {
  const bytes = await readFile(file).catch((error: unknown) => {
    const missing = isSystemError(error, 'ENOENT');
    throw new KindredError(missing ? 'file-not-found' : 'file-unreadable', `${missing ? 'there is no file' : 'cannot read'} ${file}`, { cause: error }); // prettier-ignore
  });
  return decodeNpy(bytes, file);
}

/** A vector that is of unit length already stays as it is, to the last bit, so that a round trip changes nothing. */
function unitVector(values: Float32Array | Float64Array, dimension: number, name: string): Float32Array {
  const unit = checkedUnitVector(values, dimension, name);
  const same = Float32Array.from(values);
  return Math.abs(norm(same) - 1) < 1e-6 ? same : unit;
}

function newItems({ columns, values }: NpyMatrix, rows: readonly VectorRow[], file: string): NewItem[] {
  return rows.map(({ id, label, metadata, image, width, height, content }, at) => {
    const row = values.subarray(at * columns, (at + 1) * columns);
    const embedding = unitVector(row, columns, `row ${at + 1} of ${file}`);
    const contentHash = content ?? sha256(new Uint8Array(embedding.slice().buffer));
    return { id, label, metadata, imagePath: image === null ? null : resolve(image), width, height, contentHash, embedding }; // prettier-ignore
  });
}

async function openTarget({ out, model }: ImportVectorsOptions): Promise<{ index: OpenedIndex; isNew: boolean }> {
  if ((await readIndexInfo(out)) !== undefined) {
    const index = await openIndex(out);
    const wanted = model === undefined ? index.catalogue.fingerprint : (await readBundle(model)).fingerprint;
    if (wanted === index.catalogue.fingerprint) return { index, isNew: false };
    await index.close();
    throw new KindredError('model-mismatch', `${out} was made with another model than ${model ?? ''}`, {
      hint: 'Import into a new folder with --out.',
    });
  }
  if (model === undefined) {
    throw new KindredError('usage', `${out} is no index yet, and a new one needs a model to embed queries with`, {
      hint: 'Give the bundle that made the vectors: --model MODEL.',
      field: '--model',
    });
  }
  const { fingerprint, dimension } = await readBundle(model);
  return { index: await createIndex(out, { bundleFolder: model, fingerprint, dimension }), isNew: true };
}

/** @throws KindredError invalid-vector, model-mismatch: vectors that the index cannot take */
function checkFit({ columns }: NpyMatrix, rows: readonly VectorRow[], { catalogue }: OpenedIndex, file: string): void {
  if (columns !== catalogue.dimension) {
    throw new KindredError('invalid-vector', `${file} has vectors of ${columns} numbers, the model makes ${catalogue.dimension}`, { hint: 'Give the model that made them.' }); // prettier-ignore
  }
  const other = rows.findIndex(({ model }) => model !== undefined && model !== catalogue.fingerprint);
  if (other < 0) return;
  throw new KindredError('model-mismatch', `row ${other + 1} of ${file} was made by the model ${rows[other]?.model?.slice(0, 12) ?? ''}, the index is of ${catalogue.fingerprint.slice(0, 12)}`, { hint: 'Vectors of different models cannot be compared: give --model the one that made them.' }); // prettier-ignore
}

/**
 * Stores vectors that were made elsewhere in an index, new or not. Everything is checked before the first is stored.
 * @throws KindredError file-not-found, file-unreadable, dataset-invalid, invalid-vector, model-mismatch, interrupted, …
 */
export async function importVectors(
  file: string,
  options: ImportVectorsOptions,
  context: Pick<CommandContext, 'progress' | 'signal'>,
): Promise<PutSummary> {
  const matrix = await readMatrix(file);
  const ids = options.ids ?? idsBeside(file);
  const rows = await readIds(ids);
  if (rows.length !== matrix.rows) {
    throw new KindredError('dataset-invalid', `${ids} has ${rows.length} rows, ${file} has ${matrix.rows}`, {
      hint: 'Both must have one row an item, in the same order.',
    });
  }
  const items = newItems(matrix, rows, file);
  const { index, isNew } = await openTarget(options);
  let stored: PutSummary | undefined;
  try {
    checkFit(matrix, rows, index, file);
    stored = await putItems(index.catalogue, items, context);
    await index.catalogue.settled();
    return stored;
  } finally {
    const { items: count } = await index.catalogue.stats();
    await index.close();
    if (isNew && count === 0) await removeIndex(options.out);
  }
}

export const command: CommandModule = {
  build: (context) =>
    new Command('import').description('take vectors that other tools made into an index').addCommand(
      new Command('vectors')
        .description('store the rows of a numpy matrix in an index, new or not')
        .argument('<file.npy>', 'the matrix: float32 or float64, a vector a row; rows are made unit length')
        .option('--ids <file>', 'what each row belongs to, .jsonl or .csv (default: FILE.ids.jsonl)')
        .option('--out <folder>', 'the index')
        .option('--model <folder>', 'the bundle that made the vectors; needed for a new index')
        .option('--json', 'print the counts as JSON')
        .addHelpText(
          'after',
          `
A line of the .jsonl is {"id": …, "label": …, "metadata": {…}, "image": "/path/of/the/picture"}, all but id optional; a .csv
has the columns id and perhaps label, others become metadata. Ids that are there already are replaced.

Examples:
  kindred import vectors vectors.npy --out .kindred/copy --model .kindred/model
  kindred import vectors more.npy --ids more.csv --out .kindred/index`,
        )
        .action(async (file: string, flags: Record<string, unknown>) => {
          const options = parseOptions('import vectors', schema, flags);
          const { added, replaced, unchanged } = await importVectors(file, options, context);
          context.out(
            options.json
              ? JSON.stringify({ added, replaced, unchanged })
              : `${options.out}: added ${added}, replaced ${replaced}, unchanged ${unchanged}`,
          );
        }),
    ),
};
