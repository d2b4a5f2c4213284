import { carryOut } from '../install/carry-out.ts';
import { declareInstallFlags, type InstallFlags, valuesOf } from '../install/flags.ts';
import type { Verb } from '../verb.ts';

const DESCRIPTION = `Prints the custom resource definitions and the control plane, for kubectl apply -f - or a repository that a GitOps tool reads.
Nothing is asked of the cluster then. With --apply they are applied, with --diff and --dry-run the API server says what would come of it.`;

export const install: Verb = {
  describe(command) {
    declareInstallFlags(command.description(DESCRIPTION));
  },
  async run(call) {
    const flags = call.command.opts<InstallFlags>();
    return carryOut(call, flags, await valuesOf(flags, call.context));
  },
};
