import { Command, CommanderError } from 'commander';
import { errorCodes, KindredError } from '../core/errors.js';
import { closest } from '../core/registry.js';
import { version } from '../core/version.js';
import type { CommandContext } from './command.js';
import { commands } from './commands.js';
import { createTerminal } from './terminal.js';

/** Builds `kindred` with every command listed and only the wanted one loaded. */
async function buildProgram(wanted: string | undefined, context: CommandContext): Promise<Command> {
  const program = new Command('kindred')
    .description('Train density-adapted image embeddings, index a catalogue with them, and find look-alikes.')
    .version(version, '-v, --version', 'print the version')
    .helpCommand('help [command]', 'show a command’s options and examples')
    .showSuggestionAfterError(true)
    .addHelpText('after', '\nStart with:\n  kindred doctor\n  kindred demo\n  kindred <command> --help');
  for (const [name, entry] of Object.entries(commands)) {
    if (name === wanted) program.addCommand((await entry.load()).build(context));
    else program.command(name).description(entry.summary);
  }
  return program;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  for (const child of command.commands) throwInsteadOfExit(child);
}

function describe(error: unknown): { text: string; exit: number } {
  if (error instanceof CommanderError) {
    const text = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)/s, ' (did you mean "$1"?)');
    const code = error.code === 'commander.unknownOption' ? 'unknown-option' : 'usage';
    return { text: `error [${code}]: ${text}`, exit: errorCodes.usage.exit };
  }
  if (error instanceof KindredError) {
    const hint = error.hint ? `\n  ${error.hint}` : '';
    return { text: `error [${error.code}]: ${error.message}${hint}`, exit: errorCodes[error.code].exit };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `error [internal]: ${stack}\n  This is a defect in kindred; please report it.`, exit: 1 };
}

/** The known options of the command that failed, to go with an unknown-option message. */
function knownOptions(program: Command, args: readonly string[]): string {
  let command = program;
  for (const word of args) {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (!child) break;
    command = child;
  }
  return command.options.map((option) => option.long ?? option.short ?? '').join(', ');
}

/** Runs one command line; sets the exit code instead of exiting, so that output is flushed. */
export async function run(argv: readonly string[]): Promise<void> {
  const args = argv.slice(2);
  const terminal = createTerminal();
  const first = args.find((word) => !word.startsWith('-'));
  const wanted = first === 'help' ? args[args.indexOf(first) + 1] : first;
  const program = new Command();
  try {
    if (wanted !== undefined && !(wanted in commands)) {
      const near = closest(wanted, Object.keys(commands));
      throw new KindredError('unknown-command', `unknown command "${wanted}"${near ? ` (did you mean "${near}"?)` : ''}`, {
        hint: `Known: ${Object.keys(commands).join(', ')}. See kindred --help.`,
      });
    }
    const built = await buildProgram(wanted, terminal.context);
    program.addCommand(built);
    throwInsteadOfExit(built);
    if (args.length === 0) {
      process.stdout.write(built.helpInformation());
      return;
    }
    await built.parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    terminal.clear();
    const { text, exit } = describe(error);
    const built = program.commands[0];
    const known = error instanceof CommanderError && error.code === 'commander.unknownOption' && built;
    process.stderr.write(`kindred: ${text}\n${known ? `  Known: ${knownOptions(built, args)}.\n` : ''}`);
    process.exitCode = exit;
  } finally {
    terminal.close();
  }
}
