import { Argument, type Command, Option } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { type Vocabulary, vocabularyOf } from '../completion/vocabulary.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { NAME_PLACES, type NamePlace } from '../name-places.ts';
import type { Call, Verb } from '../verb.ts';

const SCRIPTS = new Map<string, (words: Vocabulary) => string>([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

interface Options {
  names?: NamePlace;
  line?: string;
}

export const completion: Verb = {
  describe(command: Command) {
    command
      .description('Prints a script that completes verbs, options and their values in a shell.')
      .addArgument(new Argument('[shell]', 'for which shell').choices([...SCRIPTS.keys()]))
      .addOption(new Option('--names <place>', 'what the scripts ask for').choices(NAME_PLACES).hideHelp())
      .addOption(new Option('--line <text>', 'up to the cursor').hideHelp())
      .addHelpText('after', '\nExamples:\n  source <(weft completion bash)\n  weft completion fish | source');
  },

  async run({ context, command, verbs }: Call): Promise<ExitCode> {
    const { names, line = '' } = command.opts<Options>();
    if (names !== undefined) {
      const { liveNames } = await import('../completion/live-names.ts');
      const found = await liveNames(context, names, line);
      context.stdout.write(found.map((name) => `${name}\n`).join(''));
      return EXIT.ok;
    }
    const [shell = ''] = command.args;
    const script = SCRIPTS.get(shell);
    if (script === undefined)
      throw new CliError('WEFT_CLI_USAGE', `for which shell? ${[...SCRIPTS.keys()].join(', ')}`);
    context.stdout.write(script(await vocabularyOf(verbs)));
    return EXIT.ok;
  },
};
