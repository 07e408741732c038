import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import { encodeNpy } from '../../data/npy.js';
import { openIndex } from '../../indexing/index-folder.js';
import { readVectors } from '../../indexing/vectors.js';
import type { CommandContext } from '../command.js';
import { formatIds, idsBeside } from './vector-ids.js';

const schema = z.object({
  out: z.string().regex(/\.npy$/, { error: 'must end in .npy' }),
  ids: z.string().optional(),
  json: z.boolean().default(false),
});

/** `kindred export vectors`: what an index holds, for other tools. */
export function exportVectorsCommand(context: CommandContext): Command {
  return new Command('vectors')
    .description('write the vectors of an index as a numpy matrix, with their ids beside it')
    .argument('<index>', 'the index, as written by kindred index')
    .option('--out <file.npy>', 'the matrix: float32, a unit-length vector a row')
    .option(
      '--ids <file>',
      'what each row belongs to: .jsonl, or .csv for id and label alone (default: FILE.ids.jsonl)',
    )
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
The .jsonl also holds labels, metadata and the paths of the pictures, so that kindred import vectors makes the same index
again. The rows are in order of id.

Examples:
  kindred export vectors .kindred/index --out vectors.npy
  python3 -c 'import numpy; print(numpy.load("vectors.npy").shape)'`,
    )
    .action(async (folder: string, _flags: unknown, self: Command) => {
      // --out and --json are options of `export` as well, which then takes them.
      const options = parseOptions('export vectors', schema, self.optsWithGlobals());
      const ids = options.ids ?? idsBeside(options.out);
      if (ids === options.out)
        throw new KindredError('usage', '--ids and --out name the same file', { field: '--ids' });
      const index = await openIndex(folder, { readOnly: true });
      try {
        for (const note of index.catalogue.notes) context.warn(note);
        const { dimension, fingerprint } = index.catalogue;
        const { items, values } = await readVectors(index.catalogue, context);
        await writeFileAtomic(ids, formatIds(ids, items, fingerprint));
        await writeFileAtomic(options.out, encodeNpy(values, items.length, dimension));
        const written = { out: options.out, ids, items: items.length, dimension, fingerprint };
        const model = `model ${fingerprint.slice(0, 12)}`;
        context.out(
          options.json
            ? JSON.stringify(written)
            : `${options.out}: ${items.length} × ${dimension} float32 (${model})\n${ids}: their ids and labels`,
        );
      } finally {
        await index.close();
      }
    });
}
