import { type Command, InvalidArgumentError, Option } from 'commander';

/** Options that every verb takes, before or behind its name. */
export interface Globals {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
  as?: string;
  asGroup?: string[];
  /** Milliseconds. */
  requestTimeout: number;
  verbose?: boolean;
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_REQUEST_TIMEOUT_S = 3600;

export function declareGlobals(program: Command): Command {
  return program
    .option('--kubeconfig <path>', 'file that says how to reach the cluster')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace; without it, that of the context')
    .option('--as <user>', 'asks the API server as this user')
    .addOption(new Option('--as-group <group>', 'and as this group; may be given several times').argParser(collect))
    .addOption(
      new Option('--request-timeout <seconds>', 'how long one request to the API server may take')
        .argParser(milliseconds)
        .default(REQUEST_TIMEOUT_MS, `${REQUEST_TIMEOUT_MS / 1000}`),
    )
    .option('--verbose', 'with an error, says where it comes from');
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function milliseconds(text: string): number {
  const seconds = Number(/^(\d+(?:\.\d+)?)s?$/.exec(text)?.[1]);
  if (seconds > 0 && seconds <= MAX_REQUEST_TIMEOUT_S) return seconds * 1000;
  throw new InvalidArgumentError(`It must be a number of seconds up to ${MAX_REQUEST_TIMEOUT_S}.`);
}
