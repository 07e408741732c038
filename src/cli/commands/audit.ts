import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import { auditCatalogue, type CatalogueAudit, createPictureHasher } from '../../evaluate/audit/catalogue.js';
import { auditHtml } from '../../evaluate/audit/catalogue-html.js';
import { formatCatalogueAudit } from '../../evaluate/audit/catalogue-table.js';
import { formatVerdict } from '../../evaluate/audit/protocol-table.js';
import { openIndex } from '../../indexing/index-folder.js';
import { presentAudit } from '../../server/present-audit.js';
import { createThumbnails } from '../../server/thumbnails.js';
import type { CommandContext, CommandModule } from '../command.js';
import { type AuditedModel, runProtocolAudit } from './audit-data.js';

const schema = z.object({
  index: z.string().optional(),
  data: z.string().optional(),
  model: z.string().optional(),
  backboneFrom: z.string().optional(),
  threads: wholeNumber(1, 256).optional(),
  strict: z.boolean().default(false),
  json: z.boolean().default(false),
  html: z.string().optional(),
  limit: wholeNumber(1, 1_000_000).optional(),
});
export type AuditCommandOptions = z.infer<typeof schema>;

/** Findings of each kind in the table, and pictures' worth of them in a page. */
const tableLimit = 10;
const pageLimit = 100;

async function writePage(file: string, audit: CatalogueAudit, title: string, limit: number): Promise<void> {
  const thumbnails = createThumbnails(64 * 1024 * 1024);
  const html = await auditHtml(audit, {
    title,
    limit,
    thumbnail: async (item) => {
      try {
        const bytes = await thumbnails.get(item, { width: 160, format: 'webp' });
        return `data:image/webp;base64,${bytes.toString('base64')}`;
      } catch (error) {
        if (error instanceof KindredError) return null;
        throw error;
      }
    },
  });
  await writeFileAtomic(file, html);
}

/**
 * Audits an index beside whoever else uses it: it takes no lock and changes nothing.
 * @throws KindredError index-missing, index-damaged, interrupted
 */
export async function runCatalogueAudit(
  folder: string,
  { html, limit }: AuditCommandOptions,
  context: CommandContext,
): Promise<CatalogueAudit> {
  const index = await openIndex(folder, { readOnly: true });
  try {
    for (const note of index.catalogue.notes) context.warn(note);
    const { progress, signal } = context;
    const audit = await auditCatalogue(index.catalogue, { hashPicture: createPictureHasher(), progress, signal });
    if (html !== undefined) await writePage(html, audit, folder, limit ?? pageLimit);
    return audit;
  } finally {
    await index.close();
  }
}

/** The untrained backbone's embeddings where kindred trained the model: a trained one packs its classes. */
async function readModel(folder: string, options: AuditCommandOptions): Promise<AuditedModel> {
  const { readBundle } = await import('../../model/bundle.js');
  const { trainingRecordOf } = await import('../../evaluate/zero-shot.js');
  const { openEmbedder, openUntrainedFor } = await import('../../compose.js');
  const bundle = await readBundle(folder);
  const { threads, backboneFrom } = options;
  return {
    training: trainingRecordOf(bundle) ?? null,
    open: () =>
      bundle.imported ? openEmbedder(folder, { threads }) : openUntrainedFor(bundle, { threads, backboneFrom }),
  };
}

async function auditData(folder: string, options: AuditCommandOptions, context: CommandContext): Promise<void> {
  const { model } = options;
  if (options.html !== undefined) {
    throw new KindredError('usage', '--html goes with an index, not with --data', { field: '--html' });
  }
  const verdict = await runProtocolAudit(folder, model === undefined ? undefined : () => readModel(model, options), context); // prettier-ignore
  context.out(
    options.json
      ? JSON.stringify(verdict, undefined, 2)
      : formatVerdict(verdict, options.limit ?? tableLimit, true).join('\n'),
  );
  if (!options.strict || verdict.verdict === 'sound') return;
  throw new KindredError('dataset-invalid', `${folder}: the protocol has findings`, {
    hint: 'See above; without --strict the exit code is 0.',
  });
}

export const command: CommandModule = {
  build(context) {
    return new Command('audit')
      .description('look through an index for duplicates and wrong labels, or prove how a data set is split')
      .argument('[index]', 'the index, as written by kindred index')
      .option('--data <folder>', 'instead of an index: audit the splits of this prepared data set')
      .option('--model <folder>', 'with --data: audit its training, too, and compare embeddings across the splits')
      .option('--backbone-from <path>', 'with --model: a local copy of its backbone')
      .option('--threads <count>', 'with --model: worker threads that decode and embed (default: one a core)')
      .option('--strict', 'with --data: exit code 1 when there is a finding')
      .option('--html <file>', 'write a page with the pictures, too')
      .option('--limit <count>', 'findings of each kind to show (default: 10; on the page 100; as JSON all)')
      .option('--json', 'print the findings as JSON')
      .addHelpText(
        'after',
        `
Of an index nothing is changed; beside a data set the hashes of its pictures are kept. How each finding is made, and how often it is right: docs/audit.md.

Examples:
  kindred audit .kindred/index
  kindred audit .kindred/index --html audit.html
  kindred audit --data .kindred/data
  kindred audit --data .kindred/data --model .kindred/model --strict`,
      )
      .action(async (index: string | undefined, flags: Record<string, unknown>) => {
        const options = parseOptions('audit', schema, { ...flags, index });
        if (options.data !== undefined && options.index === undefined) return auditData(options.data, options, context);
        if (options.index === undefined || options.data !== undefined) {
          const what = options.index === undefined ? 'nothing to audit' : 'an index and --data exclude each other';
          throw new KindredError('usage', what, {
            hint: 'Give an index (kindred audit INDEX), or a data set (kindred audit --data DATASET).',
          });
        }
        if (options.model !== undefined)
          throw new KindredError('usage', '--model goes with --data', { field: '--model' });
        const audit = await runCatalogueAudit(options.index, options, context);
        context.out(
          options.json
            ? JSON.stringify(presentAudit(audit, options.limit), undefined, 2)
            : formatCatalogueAudit(audit, options.limit ?? tableLimit),
        );
      });
  },
};
