import { EXIT } from '../exit.ts';
import { outputOption, stepsOf } from '../install/flags.ts';
import { OPERATOR_IDENTITY, VALUES_ANNOTATION } from '../install/installed-operator.ts';
import { identityOf } from '../install/object.ts';
import { installation } from '../install/objects.ts';
import { type Format, printed } from '../install/print.ts';
import { leftovers } from '../install/prune.ts';
import { SOURCES } from '../install/sources.ts';
import { removeAll } from '../install/uninstall.ts';
import { valuesOfRecord } from '../install/values.ts';
import type { Verb } from '../verb.ts';

interface PruneFlags {
  apply?: true;
  output: Format;
}

const DESCRIPTION = `Prints the objects of an earlier version, or of other values, that the installation does not have any more, for kubectl delete -f -; with --apply they are removed.
Custom resource definitions are not among them.`;

export const prune: Verb = {
  describe(command) {
    command.description(DESCRIPTION).option('--apply', 'removes the objects').addOption(outputOption());
  },
  async run(call) {
    const flags = call.command.opts<PruneFlags>();
    const steps = await stepsOf(call);
    // What the installation was made without is left over too.
    const operator = await steps.api.get(OPERATOR_IDENTITY);
    const values = valuesOfRecord(operator?.metadata.annotations?.[VALUES_ANNOTATION] ?? '{}');
    const objects = await leftovers(steps.api, installation(SOURCES, values));
    if (objects.length === 0) steps.note('nothing of an earlier version is left');
    else if (flags.apply)
      await removeAll(steps, [{ text: `objects of an earlier version: ${objects.length}`, objects }]);
    else call.context.stdout.write(printed(objects.map(identityOf), flags.output));
    return EXIT.ok;
  },
};
