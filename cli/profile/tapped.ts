import { TAP_LIMITS } from '../../proxy-image/contract/tap/question.ts';
import { connect } from '../cluster/connect.ts';
import { CliError } from '../errors.ts';
import { resourceOf } from '../resources/arguments.ts';
import { openTap } from '../tap/open.ts';
import { TAPPED, tappedBy } from '../tap/target.ts';
import type { Call } from '../verb.ts';
import { DescriptionError } from './description-error.ts';
import { type Format, printProfile } from './print.ts';
import { type ProfileTarget, profileOf } from './service-profile.ts';
import { tapRoutes } from './tap.ts';

export interface TappedOptions {
  /** Milliseconds. */
  tapDuration: number;
  tapRouteLimit: number;
  output: Format;
}

/**
 * The profile of a Service, made of what is asked of the pods of a resource from now on.
 * @throws CliError WEFT_CLI_PROFILE where nothing is asked
 */
export async function tappedProfile(
  call: Call,
  resource: string,
  target: ProfileTarget,
  { tapDuration, tapRouteLimit, output }: TappedOptions,
): Promise<string> {
  const argument = resourceOf([resource], TAPPED);
  const cluster = await connect(call);
  const over = AbortSignal.any([AbortSignal.timeout(tapDuration), call.context.interrupted()]);
  const lines = openTap(
    cluster,
    tappedBy(argument, target.namespace),
    {
      ...{ to: '', toNamespace: '', scheme: '', method: '', authority: '', path: '', labelSelector: '' },
      maxRps: TAP_LIMITS.usualRps,
      headers: false,
      direction: 'inbound',
    },
    over,
  );
  const { stderr } = call.context;
  try {
    const { routes, isCut } = await tapRoutes(lines, tapRouteLimit);
    if (isCut) stderr.write(`warning: more than ${tapRouteLimit} routes were seen: --tap-route-limit\n`);
    const { profile, warnings } = profileOf(target, routes);
    for (const { message } of warnings) stderr.write(`warning: ${message}\n`);
    return printProfile(profile, output);
  } catch (error) {
    if (!(error instanceof DescriptionError)) throw error;
    throw new CliError('WEFT_CLI_PROFILE', error.problems.map(({ message }) => message).join('\n  '), error);
  }
}
