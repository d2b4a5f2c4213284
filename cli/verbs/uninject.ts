import type { Command } from 'commander';
import { removeProxies } from '../inject/manual-removal.ts';
import { planRemoval } from '../inject/plan.ts';
import { rewrite, rewriteText } from '../inject/rewrite.ts';
import type { Call, Verb } from '../verb.ts';

export const uninject: Verb = {
  describe(command: Command) {
    command
      .description('Prints a manifest without what `weft inject` has put into it. Nothing else in it changes.')
      .argument('<input...>', 'file, folder, URL, or - for stdin');
  },

  run(call: Call) {
    return rewrite(call, (input) => rewriteText(removeProxies(input), planRemoval));
  },
};
