import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import type { Catalogue } from '../../indexing/catalogue.js';
import { openIndex } from '../../indexing/index-folder.js';
import { createSearch, type Example } from '../../search/search.js';
import { presentResult } from '../../server/present.js';
import type { ApiResult } from '../../server/schemas/api.js';
import { parseBoxText, parseConditions } from '../../server/schemas/query-text.js';
import type { CommandContext, CommandModule } from '../command.js';
import type { OpenEmbedder } from './index.js';

const schema = z.object({
  index: z.string(),
  image: z.string().optional(),
  id: z.string().optional(),
  box: z.string().optional(),
  limit: wholeNumber(1, 1000).default(10),
  filter: z.array(z.string()).default([]),
  exact: z.boolean().default(false),
  json: z.boolean().default(false),
});
export type SearchCommandOptions = z.infer<typeof schema>;

function exampleOf({ image, id, box: text }: SearchCommandOptions): Example {
  const box = text === undefined ? undefined : parseBoxText(text);
  if (image !== undefined && id === undefined) return { image: { path: image }, box };
  if (id !== undefined && image === undefined) return { id, box };
  throw new KindredError('usage', 'give either a picture or --id ID to search for', {
    hint: 'For example: kindred search --index INDEX photo.jpg',
  });
}

/** For a query whose vector is stored already: loading the model would take longer than the search. */
function noEmbedder({ dimension, fingerprint }: Catalogue): Embedder {
  return {
    dimension,
    fingerprint,
    preferredBatch: 1,
    embed: () => Promise.reject(new KindredError('internal', 'this search was to need no model')),
    close: () => Promise.resolve(),
  };
}

/**
 * Searches an index beside whoever else uses it: it takes no lock, so a running server is no hindrance.
 * @throws KindredError usage, index-missing, item-not-found, image-*, unknown-filter-field, …
 */
export async function runSearch(
  options: SearchCommandOptions,
  context: Pick<CommandContext, 'warn'>,
  openEmbedder: OpenEmbedder,
): Promise<ApiResult[]> {
  const example = exampleOf(options);
  const filter = parseConditions(options.filter);
  const index = await openIndex(options.index, { readOnly: true });
  try {
    for (const note of index.catalogue.notes) context.warn(note);
    const stored = 'id' in example && example.box === undefined;
    const embedder = stored ? noEmbedder(index.catalogue) : await openEmbedder(index.modelFolder, { threads: 1 });
    try {
      const { limit, exact } = options;
      const search = createSearch({ catalogue: index.catalogue, embedder });
      const { results } = await search.search(example, { limit, filter, exact });
      return results.map(presentResult);
    } finally {
      await embedder.close();
    }
  } finally {
    await index.close();
  }
}

/** Rank, distance, label and id in columns. */
export function formatResults(results: readonly ApiResult[]): string {
  if (results.length === 0) return 'nothing matches';
  const rows = results.map(({ distance, label, id }, index) => [
    String(index + 1),
    distance.toFixed(4),
    label ?? '–',
    id,
  ]);
  const table = [['rank', 'distance', 'label', 'id'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map(([rank = '', distance = '', label = '', id = '']) => {
      const [first = 0, second = 0, third = 0] = widths;
      return `${rank.padStart(first)}  ${distance.padStart(second)}  ${label.padEnd(third)}  ${id}`;
    })
    .join('\n');
}

const collect = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];

export const command: CommandModule = {
  build(context) {
    return new Command('search')
      .description('find what looks like an image or an item')
      .argument('[image]', 'a picture to search for')
      .option('--index <folder>', 'the index, as written by kindred index')
      .option('--id <id>', 'search for what looks like this item of the index')
      .option('--box <x,y,w,h>', 'search for this part of the picture, in fractions of its width and height')
      .option('--limit <count>', 'how many results (default: 10)')
      .option('--filter <field=value>', 'only items with this value; repeat it for more', collect)
      .option('--exact', 'compare with every item instead of walking the graph')
      .option('--json', 'print the results as JSON')
      .addHelpText(
        'after',
        `
Several values of one field are alternatives; different fields must all match. The distance is squared Euclidean
between unit vectors: 0 is the same, 4 the opposite.

Examples:
  kindred search --index .kindred/index photo.jpg
  kindred search --index .kindred/index --id fruit/apple.png --limit 5 --filter category=fruit --json`,
      )
      .action(async (image: string | undefined, flags: Record<string, unknown>) => {
        const options = parseOptions('search', schema, { ...flags, image });
        const { openEmbedder } = await import('../../compose.js');
        const results = await runSearch(options, context, openEmbedder);
        context.out(options.json ? JSON.stringify({ results }, undefined, 2) : formatResults(results));
      });
  },
};
