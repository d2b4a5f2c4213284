import type { Command } from 'commander';
import { planInjection, type Wish } from '../inject/plan.ts';
import { rewrite } from '../inject/rewrite.ts';
import { declareSettings, settingsOf } from '../inject/settings.ts';
import type { Call, Verb } from '../verb.ts';

interface Options {
  ingress?: true;
}

export const inject: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints a manifest with the annotations that give its pods a proxy when they are created. Nothing else in it changes, and no cluster is asked.',
      )
      .argument('<input...>', 'file, folder, URL, or - for stdin')
      .option('--ingress', 'sets linkerd.io/inject: ingress');
    declareSettings(command);
  },

  run(call: Call) {
    const { ingress } = call.command.opts<Options>();
    const wish: Wish = { mode: ingress ? 'ingress' : null, annotations: settingsOf(call.command) };
    return rewrite(call, (part, text) => planInjection(part, text, wish));
  },
};
