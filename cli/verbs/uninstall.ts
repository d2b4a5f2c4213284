import { CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { outputOption, stepsOf } from '../install/flags.ts';
import { identityOf } from '../install/object.ts';
import { everyObject } from '../install/objects.ts';
import { type Format, printed } from '../install/print.ts';
import { SOURCES } from '../install/sources.ts';
import { consequences, planRemoval, uninstall as remove, type UninstallOptions } from '../install/uninstall.ts';
import type { Call, Verb } from '../verb.ts';

interface UninstallFlags {
  apply?: true;
  force?: true;
  purge?: true;
  output: Format;
}

const DESCRIPTION = `Prints what an uninstallation removes of the cluster, for kubectl delete -f -; with --apply it is removed.
The root of trust and the custom resources stay unless --purge. It refuses while pods have a proxy.`;

export const uninstall: Verb = {
  describe(command) {
    command
      .description(DESCRIPTION)
      .option('--apply', 'removes the objects')
      .option('--force', 'although pods have a proxy')
      .option('--purge', 'the root of trust and all custom resources too')
      .addOption(outputOption());
  },
  async run(call) {
    const flags = call.command.opts<UninstallFlags>();
    return flags.apply ? apply(call, flags) : print(call, flags);
  },
};

function optionsOf({ force, purge }: UninstallFlags): UninstallOptions {
  return { force: force === true, purge: purge === true };
}

async function print(call: Call, flags: UninstallFlags): Promise<ExitCode> {
  const steps = await stepsOf(call);
  const plan = await planRemoval(steps, everyObject(SOURCES), optionsOf(flags));
  for (const line of plan.lines) steps.note(line);
  const objects = plan.removals.flatMap((removal) => removal.objects).map(identityOf);
  if (objects.length === 0) steps.note('nothing of Weft is installed');
  else call.context.stdout.write(printed(objects, flags.output));
  return EXIT.ok;
}

async function apply(call: Call, flags: UninstallFlags): Promise<ExitCode> {
  const { stdout } = call.context;
  const { injected } = await remove(await stepsOf(call), everyObject(SOURCES), optionsOf(flags));
  if (!flags.purge) {
    stdout.write(
      `kept: namespace ${CONTROL_PLANE_NAMESPACE} with the root of trust, and the custom resources; --purge removes them\n`,
    );
  }
  if (injected.length > 0) stdout.write(`${consequences(injected, flags.purge === true)}\n`);
  return EXIT.ok;
}
