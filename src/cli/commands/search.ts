import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, realNumber, wholeNumber } from '../../config/parse.js';
import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import type { Catalogue } from '../../indexing/catalogue.js';
import { openIndex } from '../../indexing/index-folder.js';
import { loadCalibration } from '../../search/load-calibration.js';
import { createSearch, defaultPrecision, mostAutomatic, type Example } from '../../search/search.js';
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
  limit: z
    .union([z.literal('auto'), wholeNumber(1, 1000)], { error: 'must be a whole number from 1 to 1000, or auto' })
    .default(10),
  precision: realNumber(0, 1).optional(),
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
 * @throws KindredError usage, index-missing, item-not-found, image-*, unknown-filter-field, calibration-missing, …
 */
export async function runSearch(
  options: SearchCommandOptions,
  context: Pick<CommandContext, 'warn'>,
  openEmbedder: OpenEmbedder,
): Promise<ApiResult[]> {
  const example = exampleOf(options);
  const filter = parseConditions(options.filter);
  const { limit, precision, exact } = options;
  if (precision !== undefined && limit !== 'auto') {
    throw new KindredError('usage', '--precision goes with --limit auto');
  }
  const index = await openIndex(options.index, { readOnly: true });
  try {
    for (const note of index.catalogue.notes) context.warn(note);
    const stored = 'id' in example && example.box === undefined;
    const embedder = stored ? noEmbedder(index.catalogue) : await openEmbedder(index.modelFolder, { threads: 1 });
    try {
      const { catalogue, modelFolder } = index;
      const calibration = await loadCalibration(modelFolder, catalogue.fingerprint);
      const search = createSearch({ catalogue, embedder, calibration });
      const { results } = await search.search(example, { limit, precision, filter, exact });
      return results.map(presentResult);
    } finally {
      await embedder.close();
    }
  } finally {
    await index.close();
  }
}

/** Rank, distance, label and id in columns; the score, too, where there is one. */
export function formatResults(results: readonly ApiResult[]): string {
  if (results.length === 0) return 'nothing matches';
  const scored = results.some(({ score }) => score !== null);
  const rows = results.map(({ distance, score, label, id }, index) => [
    String(index + 1),
    distance.toFixed(4),
    ...(scored ? [score === null ? '–' : `${Math.round(100 * score)} %`] : []),
    label ?? '–',
    id,
  ]);
  const table = [['rank', 'distance', ...(scored ? ['score'] : []), 'label', 'id'], ...rows];
  const last = (table[0]?.length ?? 0) - 1;
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number): string => {
    if (column === last) return text;
    // Numbers to the right, the label to the left.
    return column === last - 1 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  };
  return table.map((row) => row.map(cell).join('  ')).join('\n');
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
      .option('--limit <count>', 'how many results, or auto (default: 10)')
      .option(
        '--precision <share>',
        `with --limit auto: as many results, at most ${mostAutomatic}, as are likely right in this share (default: ${defaultPrecision})`,
      )
      .option('--filter <field=value>', 'only items with this value; repeat it for more', collect)
      .option('--exact', 'compare with every item instead of walking the graph')
      .option('--json', 'print the results as JSON')
      .addHelpText(
        'after',
        `
Several values of one field are alternatives; different fields must all match. The distance is squared Euclidean
between unit vectors: 0 is the same, 4 the opposite. The score is the probability that a result is of the query's
class, where the model is calibrated (kindred calibrate).

Examples:
  kindred search --index .kindred/index photo.jpg
  kindred search --index .kindred/index --id fruit/apple.png --limit 5 --filter category=fruit --json
  kindred search --index .kindred/index photo.jpg --limit auto --precision 0.9`,
      )
      .action(async (image: string | undefined, flags: Record<string, unknown>) => {
        const options = parseOptions('search', schema, { ...flags, image });
        const { openEmbedder } = await import('../../compose.js');
        const results = await runSearch(options, context, openEmbedder);
        if (options.json) context.out(JSON.stringify({ results }, undefined, 2));
        else if (options.limit === 'auto' && results.length === 0) context.out('nothing is that likely to be right');
        else context.out(formatResults(results));
      });
  },
};
