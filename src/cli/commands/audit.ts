import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import { auditCatalogue, type CatalogueAudit, createPictureHasher } from '../../evaluate/audit/catalogue.js';
import { auditHtml } from '../../evaluate/audit/catalogue-html.js';
import { formatCatalogueAudit } from '../../evaluate/audit/catalogue-table.js';
import { openIndex } from '../../indexing/index-folder.js';
import { presentAudit } from '../../server/present-audit.js';
import { createThumbnails } from '../../server/thumbnails.js';
import type { CommandContext, CommandModule } from '../command.js';

const schema = z.object({
  index: z.string().optional(),
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

export const command: CommandModule = {
  build(context) {
    return new Command('audit')
      .description('look through an index for duplicates, outliers and wrong labels')
      .argument('[index]', 'the index, as written by kindred index')
      .option('--html <file>', 'write a page with the pictures, too')
      .option('--limit <count>', 'findings of each kind to show (default: 10; on the page 100; as JSON all)')
      .option('--json', 'print the findings as JSON')
      .addHelpText(
        'after',
        `
Nothing is changed. How each finding is made, and how often it is right: docs/audit.md.

Examples:
  kindred audit .kindred/index
  kindred audit .kindred/index --html audit.html`,
      )
      .action(async (index: string | undefined, flags: Record<string, unknown>) => {
        const options = parseOptions('audit', schema, { ...flags, index });
        if (options.index === undefined) {
          throw new KindredError('usage', 'nothing to audit', { hint: 'Give an index: kindred audit INDEX.' });
        }
        const audit = await runCatalogueAudit(options.index, options, context);
        context.out(
          options.json
            ? JSON.stringify(presentAudit(audit, options.limit), undefined, 2)
            : formatCatalogueAudit(audit, options.limit ?? tableLimit),
        );
      });
  },
};
