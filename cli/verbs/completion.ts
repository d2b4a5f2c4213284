import { Argument, type Command } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { type Vocabulary, vocabularyOf } from '../completion/vocabulary.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Call, Verb } from '../verb.ts';

const SCRIPTS = new Map<string, (words: Vocabulary) => string>([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

export const completion: Verb = {
  describe(command: Command) {
    command
      .description('Prints a script that completes verbs, options and their values in a shell.')
      .addArgument(new Argument('<shell>', 'for which shell').choices([...SCRIPTS.keys()]))
      .addHelpText('after', '\nExamples:\n  source <(weft completion bash)\n  weft completion fish | source');
  },

  async run({ context, command, verbs }: Call): Promise<ExitCode> {
    const [shell = ''] = command.args;
    const script = SCRIPTS.get(shell);
    if (script === undefined) throw new CliError('WEFT_CLI_USAGE', `there is no script for ${shell}`);
    context.stdout.write(script(await vocabularyOf(verbs)));
    return EXIT.ok;
  },
};
