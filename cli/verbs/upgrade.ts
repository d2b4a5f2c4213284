import { Option } from 'commander';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { carryOut } from '../install/carry-out.ts';
import { declareInstallFlags, type InstallFlags, stepsOf, valuesOf } from '../install/flags.ts';
import { OPERATOR_IDENTITY, VALUES_ANNOTATION } from '../install/installed-operator.ts';
import { nested } from '../install/nested-values.ts';
import { isOurs, nameOf } from '../install/object.ts';
import { printedValues } from '../install/print.ts';
import { merged, valuesOfRecord } from '../install/values.ts';
import type { Call, Verb } from '../verb.ts';

interface UpgradeFlags extends InstallFlags {
  resetValues?: true;
  showValues?: true;
}

const DESCRIPTION = `As install, for the installation that the cluster has: the values that it was made with hold unless others are given.
What somebody else has set stays: the number of replicas always, other fields unless --force.`;

export const upgrade: Verb = {
  describe(command) {
    declareInstallFlags(command.description(DESCRIPTION));
    command
      .option('--reset-values', 'forgets the values that the installation was made with')
      .addOption(new Option('--show-values', 'prints the values instead, as a file of values').conflicts('apply'));
  },
  async run(call) {
    const flags = call.command.opts<UpgradeFlags>();
    const given = await valuesOf(flags, call.context);
    const record = await recordOf(call);
    const values = flags.resetValues ? given : merged(valuesOfRecord(record), given);
    if (!flags.showValues) return carryOut(call, flags, values);
    call.context.stdout.write(printedValues(nested(values)));
    return EXIT.ok;
  },
};

/**
 * The values that the installation was made with, as they are written down.
 * @throws CliError WEFT_CLI_NOT_INSTALLED
 */
async function recordOf(call: Call): Promise<string> {
  const { api } = await stepsOf(call);
  const operator = await api.get(OPERATOR_IDENTITY);
  if (operator === null || !isOurs(operator)) {
    throw new CliError('WEFT_CLI_NOT_INSTALLED', `there is no ${nameOf(OPERATOR_IDENTITY)}`);
  }
  return operator.metadata.annotations?.[VALUES_ANNOTATION] ?? '{}';
}
