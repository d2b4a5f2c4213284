import { EXIT, type ExitCode } from '../exit.ts';
import type { Call } from '../verb.ts';
import { applyInstallation, type Outcome, outcomeDiff, outcomeLine } from './apply.ts';
import { type InstallFlags, stepsOf } from './flags.ts';
import { type KubeObject, keyOf } from './object.ts';
import { type Installation, installation } from './objects.ts';
import { printed } from './print.ts';
import { SOURCES } from './sources.ts';
import { storeAnew } from './stored-versions.ts';
import type { Values } from './values.ts';

/** Prints an installation of these values, or applies it, or says what would come of it: as the flags say. */
export async function carryOut(call: Call, flags: InstallFlags, values: Values): Promise<ExitCode> {
  const { stdout } = call.context;
  const wanted = selected(installation(SOURCES, values), flags);
  if (!(flags.apply || flags.diff || flags.dryRun)) {
    stdout.write(printed([...wanted.definitions, ...wanted.controlPlane], flags.output));
    return EXIT.ok;
  }
  const steps = await stepsOf(call);
  const outcomes = await applyInstallation(steps, wanted, {
    force: flags.force === true,
    upgradeDefinitions: flags.upgradeCrds === true,
    dryRun: flags.apply !== true,
    wait: flags.wait,
  });
  const lines = flags.diff
    ? outcomes.flatMap(outcomeDiff)
    : outcomes.map((one) => outcomeLine(one, flags.dryRun === true));
  // A definition of somebody else is his: what it stores, he knows.
  if (flags.apply && flags.migrateStored) lines.push(...(await storeAnew(steps, ownOf(wanted, outcomes))));
  for (const line of lines) stdout.write(`${line}\n`);
  return flags.diff && lines.length > 0 ? EXIT.findings : EXIT.ok;
}

function ownOf({ definitions }: Installation, outcomes: readonly Outcome[]): KubeObject[] {
  const applied = new Set(outcomes.map(({ object }) => keyOf(object)));
  return definitions.filter((definition) => applied.has(keyOf(definition)));
}

function selected({ definitions, controlPlane }: Installation, { crds, skipCrds }: InstallFlags): Installation {
  return { definitions: skipCrds ? [] : definitions, controlPlane: crds ? [] : controlPlane };
}
