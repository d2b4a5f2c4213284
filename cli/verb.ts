import type { Command } from 'commander';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import type { NamePlace } from './name-places.ts';

/** What a verb is called with. */
export interface Call {
  context: Context;
  globals: Globals;
  /** Parsed: `command.args`, and `command.opts<Options>()` of the options that `describe` has declared. */
  command: Command;
  /** All that there are. */
  verbs: readonly VerbRow[];
}

/** `cli/verbs/<name>.ts` exports one. */
export interface Verb {
  /** Declares arguments and options, and says at length what the verb does. */
  describe(command: Command): void;
  /** @throws CliError, or an error of the mesh; anything else is shown as a defect */
  run(call: Call): Promise<ExitCode>;
}

/** A row of `cli/registry.ts`. */
export interface VerbRow {
  name: string;
  /** One line, for the list of verbs. */
  summary: string;
  /** Heading of the help; verbs of one group stand side by side in the registry. */
  group: 'Installation:' | 'Workloads:' | 'Observability:' | 'Health:' | 'Other:';
  /** What of the cluster its arguments name, for shells; not said where they are files, or nothing of it. */
  names?: NamePlace;
  /** Loads the verb's file, which nothing else does. */
  load(): Promise<Verb>;
}
