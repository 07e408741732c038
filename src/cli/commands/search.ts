import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, realNumber, wholeNumber } from '../../config/parse.js';
import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import type { Catalogue } from '../../indexing/catalogue.js';
import { tuning } from '../../indexing/embedded/format.js';
import { openIndex } from '../../indexing/index-folder.js';
import { loadCalibration } from '../../search/load-calibration.js';
import { defaultNegativeWeight, mostExamples, type Example, type Examples } from '../../search/examples.js';
import { createSearch, defaultPrecision, mostAutomatic } from '../../search/search.js';
import { presentAnswer } from '../../server/present.js';
import type { ApiResult, ApiSearchResponse } from '../../server/schemas/api.js';
import { parseBoxText, parseConditions } from '../../server/schemas/query-text.js';
import type { CommandContext, CommandModule } from '../command.js';
import type { OpenEmbedder } from './index.js';

const list = z.array(z.string()).default([]);

const schema = z.object({
  index: z.string(),
  images: list,
  id: list,
  not: list,
  notImage: list,
  negativeWeight: realNumber(0, 1).optional(),
  box: z.string().optional(),
  limit: z
    .union([z.literal('auto'), wholeNumber(1, 1000)], { error: 'must be a whole number from 1 to 1000, or auto' })
    .default(10),
  precision: realNumber(0, 1).optional(),
  filter: list,
  groupBy: z.string().min(1).optional(),
  groupSize: wholeNumber(1, 100).optional(),
  minScore: realNumber(0, 1).optional(),
  maxDistance: realNumber(0, 4).optional(),
  cursor: z.string().optional(),
  ef: wholeNumber(1, 10_000).optional(),
  exact: z.boolean().default(false),
  json: z.boolean().default(false),
});
export type SearchCommandOptions = z.infer<typeof schema>;

function examplesOf(options: SearchCommandOptions): Examples {
  const { images, id: ids, not, notImage, negativeWeight, box: text } = options;
  const box = text === undefined ? undefined : parseBoxText(text);
  const positives = [
    ...images.map((path): Example => ({ image: { path }, box })),
    ...ids.map((id): Example => ({ id, box })),
  ];
  const negatives = [...notImage.map((path): Example => ({ image: { path } })), ...not.map((id): Example => ({ id }))];
  if (positives.length === 0) {
    throw new KindredError('usage', 'give a picture or --id ID to search for', {
      hint: 'For example: kindred search --index INDEX photo.jpg',
    });
  }
  if (positives.length + negatives.length > mostExamples) {
    throw new KindredError('usage', `give at most ${mostExamples} examples`);
  }
  if (box !== undefined && positives.length > 1) throw new KindredError('usage', '--box goes with one picture or --id');
  return { positives, negatives, negativeWeight };
}

function checkTogether({ limit, precision, groupBy, groupSize, cursor }: SearchCommandOptions): void {
  const refuse = (rule: string): KindredError => new KindredError('usage', rule);
  if (precision !== undefined && limit !== 'auto') throw refuse('--precision goes with --limit auto');
  if (groupSize !== undefined && groupBy === undefined) throw refuse('--group-size goes with --group-by');
  if (limit === 'auto' && groupBy !== undefined) throw refuse('--group-by goes with a number as --limit');
  if (limit === 'auto' && cursor !== undefined) throw refuse('--cursor goes with a number as --limit');
  if (limit !== 'auto' && limit * (groupSize ?? 1) > 1000) throw refuse('--limit times --group-size is at most 1000');
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
): Promise<ApiSearchResponse> {
  const examples = examplesOf(options);
  const filter = parseConditions(options.filter);
  checkTogether(options);
  const { positives, negatives = [] } = examples;
  const stored = [...positives, ...negatives].every((one) => 'id' in one && one.box === undefined);
  const index = await openIndex(options.index, { readOnly: true });
  try {
    for (const note of index.catalogue.notes) context.warn(note);
    const embedder = stored ? noEmbedder(index.catalogue) : await openEmbedder(index.modelFolder, { threads: 1 });
    try {
      const { catalogue, modelFolder } = index;
      const calibration = await loadCalibration(modelFolder, catalogue.fingerprint);
      const search = createSearch({ catalogue, embedder, calibration });
      const started = performance.now();
      const answer = await search.search(examples, { ...options, filter });
      return presentAnswer(answer, performance.now() - started);
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
      .argument('[images...]', 'pictures to search for; of several, what is like all of them')
      .option('--index <folder>', 'the index, as written by kindred index')
      .option('--id <id>', 'search for what looks like this item of the index; repeat it for more', collect)
      .option('--not <id>', 'and not like this item; repeat it for more', collect)
      .option('--not-image <file>', 'and not like this picture; repeat it for more', collect)
      .option('--negative-weight <share>', `how much that counts (default: ${defaultNegativeWeight})`)
      .option('--box <x,y,w,h>', 'search for this part of the picture, in fractions of its width and height')
      .option('--limit <count>', 'how many results, or auto (default: 10)')
      .option(
        '--precision <share>',
        `with --limit auto: as many results, at most ${mostAutomatic}, as are likely right in this share (default: ${defaultPrecision})`,
      )
      .option('--filter <condition>', 'only items that meet it, see below; repeat it for more', collect)
      .option('--group-by <field>', 'only the best of the items with the same value; --limit counts the groups')
      .option('--group-size <count>', 'with --group-by: the best so many of each (default: 1)')
      .option('--min-score <share>', 'only results that likely to be right')
      .option('--max-distance <distance>', 'only results that near')
      .option('--cursor <text>', 'go on where the answer to the same query ended, with its cursor (see --json)')
      .option('--ef <breadth>', `breadth of the graph search: more finds more and takes longer (default: ${tuning.ef})`)
      .option('--exact', 'compare with every item instead of walking the graph')
      .option('--json', 'print the results as JSON')
      .addHelpText(
        'after',
        `
Conditions: field=value, price>=10 (also >, <, <=), !field=value for all others, or JSON as in docs/http-api.md.
Several values of one field are alternatives; the rest must all hold.
The distance is squared Euclidean between unit vectors: 0 is the same, 4 the opposite. The score is the probability that
a result is of the query's class, where the model is calibrated (kindred calibrate).

Examples:
  kindred search --index .kindred/index photo.jpg
  kindred search --index .kindred/index --id fruit/apple.png --limit 5 --filter category=fruit --json
  kindred search --index .kindred/index photo.jpg --limit auto --precision 0.9
  kindred search --index .kindred/index front.jpg back.jpg --not fruit/apple.png --filter 'price<5' --group-by label`,
      )
      .action(async (images: string[], flags: Record<string, unknown>) => {
        const options = parseOptions('search', schema, { ...flags, images });
        const { openEmbedder } = await import('../../compose.js');
        const answer = await runSearch(options, context, openEmbedder);
        if (options.json) context.out(JSON.stringify(answer, undefined, 2));
        else if (options.limit === 'auto' && answer.results.length === 0) {
          context.out('nothing is that likely to be right');
        } else context.out(formatResults(answer.groups?.flatMap(({ results }) => results) ?? answer.results));
      });
  },
};
