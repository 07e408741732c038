import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions } from '../../config/parse.js';
import { createKey, readKeys, revokeKey } from '../../server/access/keys-file.js';
import { keyNameSchema } from '../../server/access/keys.js';
import { keyScopes } from '../../server/access/scopes.js';
import type { CommandContext, CommandModule } from '../command.js';

const fileOptions = z.object({ file: z.string(), json: z.boolean().default(false) });
const createOptions = fileOptions.extend({
  scope: z.enum(keyScopes, { error: `must be one of ${keyScopes.join(', ')}` }),
  name: keyNameSchema,
});

const fileFlag = ['--file <file>', 'the file of keys (or KINDRED_KEYS_FILE)'] as const;

function createCommand(context: CommandContext): Command {
  return new Command('create')
    .description('make a key and print it, this once: only its hash is kept')
    .option('--scope <scope>', 'what it allows: read, write (and read), or admin (and both)')
    .option('--name <name>', 'what lists and the audit log call it')
    .option(...fileFlag)
    .option('--json', 'print the key with its id as JSON')
    .addHelpText(
      'after',
      `
A server that was started with the file takes the key within a second.

Examples:
  kindred keys create --scope read --name shop-page --file keys.json
  KEY=$(kindred keys create --scope write --name importer --file keys.json)`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const { file, json, scope, name } = parseOptions('keys', createOptions, flags);
      const { key, facts } = await createKey(file, { name, scope });
      context.out(json ? JSON.stringify({ ...facts, key, file }, undefined, 2) : key);
      if (!json) context.warn(`key ${facts.id} (${name}, ${scope}) is in ${file}; this is the only time it is shown`);
    });
}

function listCommand(context: CommandContext): Command {
  return new Command('list')
    .description('the keys of a file: id, scope, name and when they were made')
    .option(...fileFlag)
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExamples:\n  kindred keys list --file keys.json')
    .action(async (flags: Record<string, unknown>) => {
      const { file, json } = parseOptions('keys', fileOptions, flags);
      const keys = (await readKeys(file)).map(({ id, name, scope, createdAt }) => ({ id, name, scope, createdAt }));
      if (json) context.out(JSON.stringify({ file, keys }, undefined, 2));
      else if (keys.length === 0) context.out(`no keys in ${file}`);
      for (const { id, scope, createdAt, name } of json ? [] : keys) {
        context.out(`${id}  ${scope.padEnd(5)}  ${createdAt.slice(0, 10)}  ${name}`);
      }
    });
}

function revokeCommand(context: CommandContext): Command {
  return new Command('revoke')
    .description('take a key away, and the sessions that were opened with it')
    .argument('<key>', 'its id or name')
    .option(...fileFlag)
    .option('--json', 'print what was revoked as JSON')
    .addHelpText(
      'after',
      `
To replace a key: create another, bring it to its users, then revoke the old one.

Examples:
  kindred keys revoke shop-page --file keys.json`,
    )
    .action(async (key: string, flags: Record<string, unknown>) => {
      const { file, json } = parseOptions('keys', fileOptions, flags);
      const { id, name, scope } = await revokeKey(file, key);
      context.out(json ? JSON.stringify({ id, name, scope, file }, undefined, 2) : `revoked ${id} (${name}, ${scope})`);
    });
}

export const command: CommandModule = {
  build: (context) =>
    new Command('keys')
      .description('keys for the HTTP API: create, list, revoke')
      .addCommand(createCommand(context))
      .addCommand(listCommand(context))
      .addCommand(revokeCommand(context)),
};
