import { type Command, InvalidArgumentError, Option } from 'commander';
import { LIMITS } from '../../crds/parse/limits.ts';
import { formatDuration, parseDuration } from '../../crds/scalars/duration.ts';
import { isDnsLabel, isDnsSubdomain } from '../../crds/scalars/name.ts';
import { quote } from '../../crds/scalars/scalar.ts';
import { DEFAULT_CLUSTER_DOMAIN } from '../../proxy-image/contract/names.ts';
import { connect } from '../cluster/connect.ts';
import { originOf } from '../cluster/origin.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { nameOfInput, readInput } from '../input.ts';
import { DescriptionError, type DescriptionProblem } from '../profile/description-error.ts';
import { FORMATS, type Format, printProfile } from '../profile/print.ts';
import { type DescribedRoute, type ProfileTarget, profileOf } from '../profile/service-profile.ts';
import type { Call, Verb } from '../verb.ts';

interface Options {
  template?: boolean;
  openApi?: string;
  proto?: string;
  clusterDomain: string;
  ignoreCluster?: boolean;
  tap?: string;
  tapDuration: number;
  tapRouteLimit: number;
  output: Format;
}

/** Where the routes come from. */
type Source = { type: 'template' } | { type: 'openApi' | 'proto'; input: string } | { type: 'tap'; resource: string };

export const profile: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints a ServiceProfile for a Service: its routes, from the description of its API or from what is asked of it.',
      )
      .argument('<service>', 'name of the Service')
      .option('--template', 'a profile to be edited, with a comment for everything that may be said in it')
      .option('--open-api <source>', 'Swagger 2 or OpenAPI 3, YAML or JSON: a file, a URL, or - for the standard input')
      .option('--proto <source>', 'a protobuf definition: a file, a URL, or - for the standard input')
      .option('--tap <resource>', 'requests to this workload while it is listened to: TYPE/NAME')
      .addOption(
        new Option('--tap-duration <duration>', 'how long it is listened to')
          .argParser(durationMs)
          .default(TAP_MS.usual, formatDuration(TAP_MS.usual)),
      )
      .addOption(
        new Option('--tap-route-limit <number>', 'most routes that are made of it').argParser(routeLimit).default(20),
      )
      .option('--cluster-domain <domain>', 'DNS domain of the cluster', DEFAULT_CLUSTER_DOMAIN)
      .option('--ignore-cluster', 'has no effect: no cluster is asked')
      .addOption(new Option('-o, --output <format>', 'format').choices(FORMATS).default('yaml'))
      .addHelpText('after', EXAMPLES);
  },

  async run(call: Call): Promise<ExitCode> {
    const options = call.command.opts<Options>();
    const source = sourceOf(options);
    const target = await targetOf(call, options);
    call.context.stdout.write(await printed(call, source, target, options.output));
    return EXIT.ok;
  },
};

const EXAMPLES = `
Examples:
  weft profile -n emojivoto --template web-svc > web-svc.yaml
  weft profile -n emojivoto --open-api web.yaml web-svc | kubectl apply -f -
  weft profile -n emojivoto --proto Voting.proto voting-svc | kubectl apply -f -
  weft profile -n emojivoto --tap deploy/web --tap-duration 10s web-svc`;

/** A path that is asked for once in this time is seen; nobody waits longer. */
const TAP_MS = { usual: 5_000, most: 600_000 } as const;

/** Linkerd's command takes Go's durations. */
function durationMs(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.value > 0 && parsed.value <= TAP_MS.most) return parsed.value;
  throw new InvalidArgumentError(`It must be a duration such as 5s or 1m, up to ${formatDuration(TAP_MS.most)}.`);
}

function routeLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMITS.routes) return limit;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${LIMITS.routes}.`);
}

function sourceOf({ template, openApi, proto, tap }: Options): Source {
  const sources: Source[] = [];
  if (template === true) sources.push({ type: 'template' });
  if (openApi !== undefined) sources.push({ type: 'openApi', input: openApi });
  if (proto !== undefined) sources.push({ type: 'proto', input: proto });
  if (tap !== undefined) sources.push({ type: 'tap', resource: tap });
  const [source, other] = sources;
  if (source !== undefined && other === undefined) return source;
  throw new CliError('WEFT_CLI_USAGE', 'exactly one of --template, --open-api, --proto and --tap must be given');
}

async function targetOf(call: Call, { clusterDomain }: Options): Promise<ProfileTarget> {
  const [service = ''] = call.command.args;
  const namespace = call.globals.namespace ?? (await namespaceOfContext(call));
  if (!isDnsLabel(service)) throw wrong('the name of a Service', service);
  if (!isDnsLabel(namespace)) throw wrong('the name of a namespace', namespace);
  if (!isDnsSubdomain(clusterDomain)) throw wrong('the domain of a cluster', clusterDomain);
  return { service, namespace, clusterDomain };
}

function wrong(expected: string, found: string): CliError {
  return new CliError('WEFT_CLI_USAGE', `${quote(found)} is not ${expected}`);
}

/** Without a kubeconfig it is `default`: to print a profile nothing need be reached. One that is asked for must be there. */
async function namespaceOfContext({ context, globals }: Call): Promise<string> {
  if (globals.kubeconfig === undefined && globals.context === undefined && !hasKubeconfig(context)) return 'default';
  const { namespace } = await connect({ context, globals });
  return namespace;
}

function hasKubeconfig(context: Call['context']): boolean {
  try {
    originOf(context);
    return true;
  } catch {
    return false;
  }
}

async function printed(call: Call, source: Source, target: ProfileTarget, format: Format): Promise<string> {
  if (source.type === 'template') return templateOf(target, format);
  if (source.type === 'tap')
    return (await import('../profile/tapped.ts')).tappedProfile(
      call,
      source.resource,
      target,
      call.command.opts<Options>(),
    );
  const { stderr } = call.context;
  const text = await readInput(call, source.input);
  const tell = ({ line, message }: DescriptionProblem) => `${nameOfInput(source.input)}:${line}: ${message}`;
  try {
    const { profile: made, warnings } = profileOf(target, await routesOf(source.type, text));
    for (const warning of warnings) stderr.write(`warning: ${tell(warning)}\n`);
    return printProfile(made, format);
  } catch (error) {
    if (!(error instanceof DescriptionError)) throw error;
    throw new CliError('WEFT_CLI_PROFILE', error.problems.map(tell).join('\n  '), error);
  }
}

async function templateOf(target: ProfileTarget, format: Format): Promise<string> {
  const { profileTemplate } = await import('../profile/template.ts');
  const text = profileTemplate(target);
  if (format === 'yaml') return text;
  const { parse } = await import('yaml');
  return printProfile(parse(text), format);
}

async function routesOf(type: 'openApi' | 'proto', text: string): Promise<DescribedRoute[]> {
  if (type === 'proto') return (await import('../profile/proto.ts')).protoRoutes(text);
  return (await import('../profile/open-api.ts')).openApiRoutes(text);
}
