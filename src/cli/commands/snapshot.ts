import { resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions } from '../../config/parse.js';
import { createArchive, isArchiveName, withSnapshotFolder } from '../../indexing/snapshot/archive.js';
import { createSnapshot } from '../../indexing/snapshot/create.js';
import type { Manifest } from '../../indexing/snapshot/manifest.js';
import { summarise } from '../../indexing/snapshot/shelf.js';
import { restoreSnapshot } from '../../indexing/snapshot/restore.js';
import { isSnapshot, verifySnapshot } from '../../indexing/snapshot/verify.js';
import { verifyIndex } from '../../indexing/snapshot/verify-index.js';
import { readBundle } from '../../model/bundle.js';
import type { CommandContext, CommandModule } from '../command.js';

const outOptions = z.object({ out: z.string(), json: z.boolean().default(false) });
const jsonOptions = z.object({ json: z.boolean().default(false) });

const number = (value: number): string => value.toLocaleString('en-US');

function describe(path: string, manifest: Manifest): string {
  const { items, changeNumber, fingerprint, createdAt, files, bytes } = summarise(manifest);
  return (
    `${path}: ${number(items)} items as of change ${number(changeNumber)}, model ${fingerprint.slice(0, 12)}, ` +
    `${createdAt}\n  ${number(files)} files, ${number(Math.ceil(bytes / 1e3))} kB`
  );
}

function print(context: CommandContext, json: boolean, text: string, data: object): void {
  context.out(json ? JSON.stringify(data, undefined, 2) : text);
}

function createCommand(context: CommandContext): Command {
  return new Command('create')
    .description('copy an index as it is now, while it is served and written')
    .argument('<index>', 'the index')
    .option('--out <path>', 'the new snapshot: a folder, or one file when the name ends in .tar')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
Examples:
  kindred snapshot create .kindred/index --out backups/monday
  kindred snapshot create .kindred/index --out /mnt/backup/monday.tar`,
    )
    .action(async (index: string, flags: Record<string, unknown>) => {
      const { out, json } = parseOptions('snapshot create', outOptions, flags);
      const make = isArchiveName(out) ? createArchive : createSnapshot;
      const manifest = await make(index, out, context);
      for (const name of manifest.missing) context.warn(`the index no longer has the stored picture ${name}`);
      print(context, json, describe(out, manifest), { snapshot: resolve(out), ...summarise(manifest) });
    });
}

function restoreCommand(context: CommandContext): Command {
  return new Command('restore')
    .description('make an index of a snapshot, or put it in the place of an index that is there')
    .argument('<snapshot>', 'the snapshot')
    .option('--out <index>', 'the index')
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      `
The snapshot is read to its last byte first. An index that is there is replaced at one instant, and its version before
is kept: kindred reindex INDEX --rollback returns to it. A server that writes to it must be stopped first.

Examples:
  kindred snapshot restore backups/monday --out .kindred/index`,
    )
    .action(async (snapshot: string, flags: Record<string, unknown>) => {
      const { out, json } = parseOptions('snapshot restore', outOptions, flags);
      const done = await withSnapshotFolder(snapshot, out, (folder) => restoreSnapshot(folder, out, context));
      const { manifest, version, previous } = done;
      const before = previous === null ? '' : `, version ${previous} before it is kept`;
      const text = `${out} is what ${snapshot} holds (version ${version}${before})\n${describe(snapshot, manifest)}`;
      print(context, json, text, { index: resolve(out), version, previous, ...summarise(manifest) });
    });
}

function verifyCommand(context: CommandContext): Command {
  return new Command('verify')
    .description('read a snapshot, or an index, to its last byte and say whether it is whole')
    .argument('<folder>', 'the snapshot, or an index')
    .option('--json', 'print what it holds as JSON')
    .addHelpText(
      'after',
      `
Every file is compared with its checksum, and every row of the catalogue with its own.

Examples:
  kindred snapshot verify backups/monday
  kindred snapshot verify .kindred/index`,
    )
    .action(async (path: string, flags: Record<string, unknown>) => {
      const { json } = parseOptions('snapshot verify', jsonOptions, flags);
      await withSnapshotFolder(path, path, async (folder) => {
        if (isArchiveName(path) || (await isSnapshot(folder))) {
          const manifest = await verifySnapshot(folder, context);
          print(context, json, `whole: ${describe(path, manifest)}`, { snapshot: path, ...summarise(manifest) });
          return;
        }
        const { images, modelFolder, ...facts } = await verifyIndex(folder, context);
        await readBundle(modelFolder);
        const text = `whole: ${path}: ${number(facts.items)} items as of change ${number(facts.changeNumber)}, ${number(facts.stored)} stored pictures`;
        print(context, json, text, { index: path, ...facts, pictures: images.length });
      });
    });
}

export const command: CommandModule = {
  build: (context) =>
    new Command('snapshot')
      .description('copies of an index: create, verify, restore')
      .addCommand(createCommand(context))
      .addCommand(restoreCommand(context))
      .addCommand(verifyCommand(context)),
};
