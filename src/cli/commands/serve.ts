import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, realNumber, wholeNumber } from '../../config/parse.js';
import { openIndex, type OpenedIndex } from '../../indexing/index-folder.js';
import { defaultTruthShare } from '../../search/truth-meter.js';
import { logLevels } from '../../server/log.js';
import { isLoopback } from '../../server/middleware/security.js';
import { startServer } from '../../server/start.js';
import type { CommandContext, CommandModule } from '../command.js';
import { accessOptions, checkAccessOptions, openAccess } from '../serve/access.js';
import { composeServer, type Lasting, prepareServer } from '../serve/compose-server.js';
import { followVersions } from '../serve/follow.js';
import { type Generation, openGeneration } from '../serve/generation.js';
import { sweepBlobs } from '../serve/sweep.js';
import { createSwitchboard } from '../serve/switchboard.js';
import type { OpenEmbedder } from './index.js';

export const serveOptions = z.object({
  index: z.string(),
  host: z.string().default('127.0.0.1'),
  port: wholeNumber(0, 65535).default(7700),
  threads: wholeNumber(1, 256).optional(),
  snapshots: z.string().optional(),
  log: z.boolean().default(false),
  logLevel: z.enum(logLevels).optional(),
  slowMs: wholeNumber(1, 3_600_000).default(1000),
  requestTimeout: wholeNumber(1, 3600).default(60),
  drainDelay: wholeNumber(0, 600).default(1),
  readOnly: z.boolean().default(false),
  storeImages: z.boolean().default(true),
  ...accessOptions,
  truthShare: realNumber(0, 1).default(defaultTruthShare),
});
export type ServeOptions = z.infer<typeof serveOptions>;

/**
 * Serves an index until the signal aborts, then lets the answers under way out and closes.
 * @throws KindredError index-missing, index-locked, index-damaged, bundle-*, model-mismatch, port-in-use, …
 */
export async function runServe(
  options: ServeOptions,
  context: CommandContext,
  openEmbedder: OpenEmbedder,
): Promise<void> {
  checkAccessOptions(options);
  const lasting = await prepareServer(options);
  const access = await openAccess(options, context.warn, lasting.log);
  try {
    await serveWith(options, context, openEmbedder, { ...lasting, access });
  } finally {
    await access.close();
  }
}

async function serveWith(
  options: ServeOptions,
  context: CommandContext,
  openEmbedder: OpenEmbedder,
  lasting: Lasting,
): Promise<void> {
  const { readOnly } = options;
  const index = await openIndex(options.index, { readOnly });
  try {
    const open = (version: OpenedIndex): Promise<Generation> => {
      for (const note of version.catalogue.notes) context.warn(note);
      const { threads } = options;
      return openGeneration(version, { embedder: openEmbedder, threads }, (parts) =>
        composeServer(parts, options, lasting),
      );
    };
    const board = createSwitchboard(await open(index));
    try {
      if (!readOnly) await sweepBlobs(index);
      const server = await startServer(board, options);
      const { items } = await index.catalogue.stats();
      const { model } = board.current();
      context.out(
        `kindred serves ${items.toLocaleString('en-US')} items, by ${model.backbone} with ONNX Runtime on the CPU\n` +
          (lasting.page === undefined
            ? `  the page is not built (npm run build); the API is at ${server.url}/v1`
            : `  page  ${server.url}/`) +
          `\n  API   ${server.url}/openapi.json`,
      );
      if (lasting.access.keys !== null && !isLoopback(options.host)) {
        context.warn('keys travel as they are over plain HTTP: put a proxy with TLS in front (docs/security.md)');
      }
      const { warn, signal } = context;
      signal.addEventListener('abort', () => board.drain(), { once: true });
      const retiring = new Set<Promise<void>>();
      await followVersions({ root: index.folder, readOnly, board, open, warn, signal, retiring });
      const { drainDelay } = options;
      context.warn(`draining: no new connections after ${drainDelay} s, waiting for the answers under way`);
      await server.close({ delayMs: drainDelay * 1000 });
      await Promise.all(retiring);
    } finally {
      await board.current().close();
    }
  } finally {
    await index.close();
  }
}

export const command: CommandModule = {
  build(context) {
    return new Command('serve')
      .description('answer over HTTP, with a page to try it')
      .option('--index <folder>', 'the index, as written by kindred index')
      .option('--host <name>', 'the address to listen on (default: 127.0.0.1, this machine alone)')
      .option('--port <number>', 'the port; 0 takes any free one (default: 7700)')
      .option('--threads <count>', 'threads that decode and embed (default: one a core)')
      .option('--read-only', 'take no lock: beside another server or writer, following it to other versions')
      .option('--keys <file>', 'ask for keys, made by kindred keys create (or KINDRED_KEYS_FILE; default: none)')
      .option('--allow-keyless-writes', 'without keys: let whoever can connect write')
      .option('--no-store-images', 'do not keep the pictures of written items: they are found, but have no picture')
      .option('--snapshots <folder>', 'where POST /v1/snapshots writes copies of the index (default: nowhere)')
      .option('--rate-limit <rate>', 'requests of a key, or without keys of an address: 50/s, 1000/m (default: any)')
      .option('--audit-log <file>', 'append a JSON line for every write: who, what, when; SIGHUP opens it again')
      .option('--allow-host <names>', 'answer to these host names as well, such as that of a proxy; with commas')
      .option('--cors-origin <origins>', 'let pages of these origins call, with a key; with commas (default: none)')
      .option('--trust-proxy <addresses>', 'believe X-Forwarded-For and -Proto of these, such as loopback')
      .option(
        '--truth-share <share>',
        `of the live queries, how many are compared with the exact answer in idle time (default: ${defaultTruthShare})`,
      )
      .option('--log', 'log every request to stderr as JSON lines: short for --log-level info')
      .option('--log-level <level>', 'error, warn (failures and slow requests; the default) or info (every request)')
      .option('--slow-ms <ms>', 'from when a request is slow (default: 1000)')
      .option('--request-timeout <seconds>', 'answer 503 to what is not done by then (default: 60)')
      .option('--drain-delay <seconds>', 'when stopped, go on for so long with /readyz at 503 (default: 1)')
      .addHelpText(
        'after',
        `
Ctrl-C or SIGTERM stops it cleanly, a second one at once. docs/http-api.md describes every route,
docs/security.md keys and what is defended, docs/operations.md how to run it for long.

Examples:
  kindred serve --index .kindred/index
  kindred serve --index .kindred/index --keys keys.json --host 0.0.0.0 --audit-log audit.jsonl
  curl -F image=@photo.jpg -F limit=5 http://127.0.0.1:7700/v1/search`,
      )
      .action(async (flags: Record<string, unknown>) => {
        const { KINDRED_KEYS_FILE: keys } = process.env;
        const options = parseOptions('serve', serveOptions, { ...(keys !== undefined && { keys }), ...flags });
        const { openEmbedder } = await import('../../compose.js');
        await runServe(options, context, openEmbedder);
      });
  },
};
