import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatDuration, parseDuration } from '../../crds/scalars/duration.ts';
import { TRAFFIC_SECONDS } from '../../crds/viz/traffic-list.ts';
import { type Format, outputOption } from './format.ts';

/** Options of verbs that list; a verb declares those that mean something to it. */
export interface ListingOptions {
  output: Format;
  watch?: boolean;
  allNamespaces?: boolean;
  /** A label selector, in the words of the API server. */
  selector?: string;
  /** Seconds. */
  timeWindow: number;
}

type Name = 'watch' | 'allNamespaces' | 'selector' | 'timeWindow';

const OPTIONS: Readonly<Record<Name, () => Option>> = {
  watch: () => new Option('-w, --watch', 'asks again each second until it is ended'),
  allNamespaces: () => new Option('-A, --all-namespaces', 'of all namespaces'),
  selector: () => new Option('-l, --selector <labels>', 'only objects with these labels: app=web,tier!=test'),
  timeWindow: () =>
    new Option('-t, --time-window <duration>', 'how far back is looked')
      .argParser(seconds)
      .default(TRAFFIC_SECONDS.usual, formatDuration(TRAFFIC_SECONDS.usual * 1000)),
};

/** `-o`, and those that are named. */
export function declareListing(command: Command, names: readonly Name[], output: Option = outputOption()): Command {
  command.addOption(output);
  for (const name of names) command.addOption(OPTIONS[name]());
  return command;
}

/** Linkerd's command takes Go's durations; live numbers are of whole seconds. */
function seconds(text: string): number {
  const parsed = parseDuration(text);
  const { least, most } = TRAFFIC_SECONDS;
  if (parsed.ok && parsed.value >= least * 1000 && parsed.value <= most * 1000) return Math.ceil(parsed.value / 1000);
  const bounds = `${formatDuration(least * 1000)} to ${formatDuration(most * 1000)}`;
  throw new InvalidArgumentError(`It must be a duration such as 30s or 5m, from ${bounds}.`);
}
