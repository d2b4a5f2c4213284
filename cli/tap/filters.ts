import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TapParameters } from '../../crds/viz/tap.ts';
import { TAP_LIMITS } from '../../proxy-image/contract/tap/question.ts';
import { toOf } from './target.ts';

/** Options of verbs that listen to traffic: what of it is wanted. */
export interface FilterOptions {
  to?: string;
  toNamespace?: string;
  maxRps: number;
  scheme?: string;
  method?: string;
  authority?: string;
  path?: string;
  selector?: string;
}

/** `-l` is declared with the options of lists. */
export function declareFilters(command: Command): Command {
  return command
    .option('--to <resource>', 'only calls to this resource: TYPE/NAME')
    .option('--to-namespace <namespace>', 'namespace of --to; alone, only calls to this namespace')
    .addOption(
      new Option('--max-rps <number>', 'requests a second that are told of at most')
        .argParser(rate)
        .default(TAP_LIMITS.usualRps),
    )
    .option('--scheme <scheme>', 'only requests with this scheme')
    .option('--method <method>', 'only requests with this method')
    .option('--authority <authority>', 'only requests to this authority (Host), with its port where it has one')
    .option('--path <prefix>', 'only requests whose path begins like this');
}

export function parametersOf(options: FilterOptions, headers: boolean): TapParameters {
  return {
    to: options.to === undefined ? '' : toOf(options.to),
    toNamespace: options.toNamespace ?? '',
    scheme: options.scheme ?? '',
    method: (options.method ?? '').toUpperCase(),
    authority: options.authority ?? '',
    path: options.path ?? '',
    maxRps: options.maxRps,
    headers,
    labelSelector: options.selector ?? '',
    direction: '',
  };
}

function rate(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= TAP_LIMITS.mostRps) return number;
  // Linkerd's command takes 1.0 too.
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${TAP_LIMITS.mostRps}.`);
}
