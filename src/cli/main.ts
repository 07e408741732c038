import { Command, CommanderError } from 'commander';
import { errorCodes, isSystemError, KindredError } from '../core/errors.js';
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

/** The command that the arguments lead to, as far as they name known ones. */
function reached(program: Command, args: readonly string[]): Command {
  let command = program;
  for (const word of args) {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (!child) break;
    command = child;
  }
  return command;
}

interface Failure {
  readonly text: string;
  readonly exit: number;
}

/** What commander found wrong with the command line, with the known names where one was unknown. */
function describeUsage(error: CommanderError, program: Command, args: readonly string[]): Failure {
  const command = reached(program, args);
  const exit = errorCodes.usage.exit;
  // A command of sub-commands without one: its help is the answer, but it is not what was asked for.
  if (error.code === 'commander.help') return { text: command.helpInformation().trimEnd(), exit };
  const text = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)/s, ' (did you mean "$1"?)');
  if (error.code === 'commander.unknownOption') {
    const options = [...command.options.map((option) => option.long ?? option.short ?? ''), '--help'];
    return { text: `kindred: error [unknown-option]: ${text}\n  Known: ${options.join(', ')}.`, exit };
  }
  const path = [command.parent?.parent?.name(), command.parent?.name(), command.name()].filter(Boolean).join(' ');
  return { text: `kindred: error [usage]: ${text}\n  See ${path} --help.`, exit };
}

function describe(error: unknown, stopped: boolean): Failure {
  if (error instanceof KindredError) {
    const hint = error.hint ? `\n  ${error.hint}` : '';
    return { text: `kindred: error [${error.code}]: ${error.message}${hint}`, exit: errorCodes[error.code].exit };
  }
  if (stopped && error instanceof Error && error.name === 'AbortError') {
    return { text: 'kindred: error [interrupted]: stopped', exit: errorCodes.interrupted.exit };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `kindred: error [internal]: ${stack}\n  This is a defect in kindred; please report it.`, exit: 1 };
}

/** `kindred … | head` closes our output early: that is no failure, and there is nobody to tell more. */
function endQuietlyOnClosedPipe(error: Error): void {
  if (isSystemError(error, 'EPIPE')) process.exit();
  throw error;
}

/** Runs one command line; sets the exit code instead of exiting, so that output is flushed. */
export async function run(argv: readonly string[]): Promise<void> {
  const args = argv.slice(2);
  const terminal = createTerminal();
  const first = args.find((word) => !word.startsWith('-'));
  const wanted = first === 'help' ? args[args.indexOf(first) + 1] : first;
  let program: Command | undefined;
  // For good, not for the time of the command: the news may come when it is done.
  process.stdout.on('error', endQuietlyOnClosedPipe);
  try {
    if (wanted !== undefined && !Object.hasOwn(commands, wanted)) {
      const near = closest(wanted, Object.keys(commands));
      throw new KindredError(
        'unknown-command',
        `unknown command "${wanted}"${near ? ` (did you mean "${near}"?)` : ''}`,
        {
          hint: `Known: ${Object.keys(commands).join(', ')}. See kindred --help.`,
        },
      );
    }
    program = await buildProgram(wanted, terminal.context);
    throwInsteadOfExit(program);
    await program.parseAsync(args.length === 0 ? [...argv, '--help'] : [...argv]);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    terminal.clear();
    const { text, exit } =
      error instanceof CommanderError && program
        ? describeUsage(error, program, args)
        : describe(error, terminal.context.signal.aborted);
    process.stderr.write(`${text}\n`);
    process.exitCode = exit;
  } finally {
    terminal.close();
  }
}
