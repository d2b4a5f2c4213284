import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Annotation } from '../../crds/annotations/annotation.ts';
import { WORKLOAD } from '../../crds/annotations/workload.ts';
import { NO_NAMES } from '../../crds/scalars/port-list.ts';

interface Setting {
  /** Linkerd's option, with the name of its value. */
  flags: string;
  about: string;
  annotation: Annotation<unknown>;
  /** What the annotation says where the option stands alone. */
  alone?: string;
}

/** Options of `linkerd inject`, each the annotation that it becomes. */
const SETTINGS: readonly Setting[] = [
  { flags: '--access-log <format>', about: 'apache or json', annotation: WORKLOAD.accessLog },
  { flags: '--admin-port <port>', about: 'port of the proxy for probes and metrics', annotation: WORKLOAD.adminPort },
  { flags: '--control-port <port>', about: 'port of the proxy for tap', annotation: WORKLOAD.controlPort },
  {
    flags: '--default-inbound-policy <policy>',
    about: 'who may connect where no Server says it',
    annotation: WORKLOAD.defaultInboundPolicy,
  },
  { flags: '--image-pull-policy <policy>', about: 'of the proxy', annotation: WORKLOAD.imagePullPolicy },
  { flags: '--inbound-port <port>', about: 'port of the proxy for the mesh', annotation: WORKLOAD.inboundPort },
  {
    flags: '--native-sidecar',
    about: 'the proxy is an init container that stays',
    annotation: WORKLOAD.nativeSidecar,
    alone: 'true',
  },
  { flags: '--opaque-ports <ports>', about: 'ports without detection of protocols', annotation: WORKLOAD.opaquePorts },
  {
    flags: '--outbound-port <port>',
    about: 'port of the proxy for the application',
    annotation: WORKLOAD.outboundPort,
  },
  { flags: '--proxy-cpu-limit <amount>', about: 'of the proxy', annotation: WORKLOAD.cpuLimit },
  { flags: '--proxy-cpu-request <amount>', about: 'of the proxy', annotation: WORKLOAD.cpuRequest },
  { flags: '--proxy-gid <id>', about: 'group that the proxy runs as', annotation: WORKLOAD.gid },
  { flags: '--proxy-image <image>', about: 'image of the proxy', annotation: WORKLOAD.image },
  { flags: '--proxy-log-level <level>', about: 'of the proxy', annotation: WORKLOAD.logLevel },
  { flags: '--proxy-memory-limit <amount>', about: 'of the proxy', annotation: WORKLOAD.memoryLimit },
  { flags: '--proxy-memory-request <amount>', about: 'of the proxy', annotation: WORKLOAD.memoryRequest },
  { flags: '--proxy-uid <id>', about: 'user that the proxy runs as', annotation: WORKLOAD.uid },
  { flags: '--proxy-version <tag>', about: 'tag of the image of the proxy', annotation: WORKLOAD.version },
  {
    flags: '--require-identity-on-inbound-ports <ports>',
    about: 'ports that only meshed clients may use',
    annotation: WORKLOAD.requireIdentityPorts,
  },
  {
    flags: '--shutdown-grace-period <duration>',
    about: 'how long requests under way may take when the pod ends',
    annotation: WORKLOAD.shutdownGracePeriod,
  },
  {
    flags: '--skip-inbound-ports <ports>',
    about: 'ports that bypass the proxy',
    annotation: WORKLOAD.skipInboundPorts,
  },
  {
    flags: '--skip-outbound-ports <ports>',
    about: 'ports of others that bypass the proxy',
    annotation: WORKLOAD.skipOutboundPorts,
  },
  { flags: '--skip-subnets <networks>', about: 'clients that bypass the proxy', annotation: WORKLOAD.skipSubnets },
  {
    flags: '--wait-before-exit-seconds <seconds>',
    about: 'the proxy waits before it ends',
    annotation: WORKLOAD.waitBeforeExit,
  },
];

/** Every value is judged as the webhook would judge it. */
export function declareSettings(command: Command): void {
  for (const setting of SETTINGS) {
    const option = new Option(setting.flags, setting.about).helpGroup('Settings of the proxy (annotations):');
    command.addOption(
      setting.alone === undefined ? option.argParser((text: string) => checked(text, setting)) : option,
    );
  }
}

function checked(text: string, { annotation }: Setting): string {
  const reading = annotation.parse(text, NO_NAMES);
  if (!reading.ok) throw new InvalidArgumentError(`It ${reading.problem}.`);
  return text;
}

/** Annotations by name of the options that were given. */
export function settingsOf(command: Command): Record<string, string> {
  const given = command.opts<Record<string, unknown>>();
  const annotations: Record<string, string> = {};
  for (const { flags, annotation, alone } of SETTINGS) {
    const value = given[new Option(flags).attributeName()];
    if (value === true && alone !== undefined) annotations[annotation.names[0]] = alone;
    if (typeof value === 'string') annotations[annotation.names[0]] = value;
  }
  return annotations;
}
