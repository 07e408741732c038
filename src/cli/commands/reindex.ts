import { resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { type Reindexed, reindex, type RolledBack, rollBack } from '../../indexing/reindex/reindex.js';
import type { CommandContext, CommandModule } from '../command.js';
import type { OpenEmbedder } from './index.js';

const schema = z.object({
  model: z.string().optional(),
  rollback: z.boolean().default(false),
  skipMissing: z.boolean().default(false),
  keep: wholeNumber(1, 1000).default(2),
  threads: wholeNumber(1, 256).optional(),
  json: z.boolean().default(false),
});
export type ReindexCommandOptions = z.infer<typeof schema>;

const number = (value: number): string => value.toLocaleString('en-US');

export function formatReindexed(index: string, done: Reindexed): string {
  const { items, embedded, skipped, resumed, version, previous, pruned } = done;
  const lines = [
    `${index} is of the new model: ${number(items)} items, version ${version}`,
    `  embedded ${number(embedded)}${resumed ? ' (the rest by an earlier run)' : ''}; version ${previous} ${
      pruned.includes(previous) ? 'is deleted' : `is kept: kindred reindex ${index} --rollback returns to it`
    }`,
  ];
  if (skipped.length > 0) lines.push(`  left out ${number(skipped.length)}:`);
  for (const { id, message, code } of skipped.slice(0, 20)) lines.push(`    ${id}: ${message} [${code}]`);
  if (skipped.length > 20) lines.push(`    and ${number(skipped.length - 20)} more (--json lists them all)`);
  return lines.join('\n');
}

function formatRolledBack(index: string, { version, previous, replayed }: RolledBack): string {
  const writes = replayed ? 'the writes since then were brought along' : 'writes since then are in that one alone';
  return `${index} is version ${version} again; version ${previous} is kept (${writes})`;
}

/** @throws KindredError usage, bundle-*, and as `reindex` and `rollBack` do */
export async function runReindex(
  index: string,
  options: ReindexCommandOptions,
  context: CommandContext,
  openEmbedder: OpenEmbedder,
): Promise<{ readonly text: string; readonly data: object }> {
  const { model, rollback, skipMissing, keep, threads, json } = options;
  if ((model === undefined) === !rollback) {
    throw new KindredError('usage', 'give either --model MODEL or --rollback', { hint: 'See kindred reindex --help.' });
  }
  const open = (folder: string) => openEmbedder(folder, threads === undefined ? {} : { threads });
  if (model === undefined) {
    const done = await rollBack(index, open, { skipMissing }, context);
    return { text: formatRolledBack(index, done), data: { index: resolve(index), ...done } };
  }
  const embedder = await open(model);
  try {
    const done = await reindex(index, { bundleFolder: model, embedder, skipMissing, keep }, context);
    return { text: json ? '' : formatReindexed(index, done), data: { index: resolve(index), ...done } };
  } finally {
    await embedder.close();
  }
}

export const command: CommandModule = {
  build(context) {
    return new Command('reindex')
      .description('bring an index to another model, while it is served')
      .argument('<index>', 'the index')
      .option('--model <folder>', 'the new model bundle')
      .option('--rollback', 'return to the version before, with the writes since then')
      .option('--skip-missing', 'leave items out that came as vectors or whose picture is gone (default: refuse)')
      .option('--keep <count>', 'versions to keep, the current one included (default: 2)')
      .option('--threads <count>', 'threads that decode and embed (default: one a core)')
      .option('--json', 'print the summary as JSON')
      .addHelpText(
        'after',
        `
Ctrl-C keeps what was embedded; the same command goes on from there. A server that has the index open goes on answering,
takes writes, and switches to the new model without dropping a request. Details: docs/reindex.md.

Examples:
  kindred reindex .kindred/index --model .kindred/better-model
  kindred reindex .kindred/index --rollback`,
      )
      .action(async (index: string, flags: Record<string, unknown>) => {
        const options = parseOptions('reindex', schema, flags);
        const { openEmbedder } = await import('../../compose.js');
        const { text, data } = await runReindex(index, options, context, openEmbedder);
        context.out(options.json ? JSON.stringify(data, undefined, 2) : text);
      });
  },
};
