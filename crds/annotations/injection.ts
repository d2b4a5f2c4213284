import { formatPortRanges } from '../scalars/port.ts';
import { leftOutText, type PortNames, readPortList } from '../scalars/port-list.ts';
import { invalid, quote, type Scalar } from '../scalars/scalar.ts';

/** Annotations that injection understands; each may stand on the pod, else on its namespace (Linkerd: proxy configuration). */
export const ANNOTATION = {
  accessLog: 'config.linkerd.io/access-log',
  adminPort: 'config.linkerd.io/admin-port',
  adminShutdown: 'config.linkerd.io/proxy-admin-shutdown',
  await: 'config.linkerd.io/proxy-await',
  controlPort: 'config.linkerd.io/control-port',
  cpuLimit: 'config.linkerd.io/proxy-cpu-limit',
  cpuRequest: 'config.linkerd.io/proxy-cpu-request',
  defaultInboundPolicy: 'config.linkerd.io/default-inbound-policy',
  ephemeralStorageLimit: 'config.linkerd.io/proxy-ephemeral-storage-limit',
  ephemeralStorageRequest: 'config.linkerd.io/proxy-ephemeral-storage-request',
  gid: 'config.linkerd.io/proxy-gid',
  image: 'config.linkerd.io/proxy-image',
  imagePullPolicy: 'config.linkerd.io/image-pull-policy',
  inboundPort: 'config.linkerd.io/inbound-port',
  logFormat: 'config.linkerd.io/proxy-log-format',
  logLevel: 'config.linkerd.io/proxy-log-level',
  memoryLimit: 'config.linkerd.io/proxy-memory-limit',
  memoryRequest: 'config.linkerd.io/proxy-memory-request',
  nativeSidecar: 'config.linkerd.io/proxy-enable-native-sidecar',
  nativeSidecarBeta: 'config.beta.linkerd.io/proxy-enable-native-sidecar',
  nativeSidecarAlpha: 'config.alpha.linkerd.io/proxy-enable-native-sidecar',
  opaquePorts: 'config.linkerd.io/opaque-ports',
  outboundPort: 'config.linkerd.io/outbound-port',
  podInboundPorts: 'config.linkerd.io/pod-inbound-ports',
  relayProbes: 'config.weft.dev/relay-probes',
  requireIdentityPorts: 'config.linkerd.io/proxy-require-identity-inbound-ports',
  shutdownGracePeriod: 'config.linkerd.io/shutdown-grace-period',
  skipInboundPorts: 'config.linkerd.io/skip-inbound-ports',
  skipOutboundPorts: 'config.linkerd.io/skip-outbound-ports',
  skipSubnets: 'config.linkerd.io/skip-subnets',
  source: 'config.weft.dev/source',
  uid: 'config.linkerd.io/proxy-uid',
  version: 'config.linkerd.io/proxy-version',
  waitBeforeExit: 'config.alpha.linkerd.io/proxy-wait-before-exit-seconds',
} as const;

/** Annotations of Linkerd that mean something there and nothing here (yet): never silently. */
export const UNSUPPORTED: readonly string[] = [
  'config.linkerd.io/close-wait-timeout',
  'config.linkerd.io/debug-image',
  'config.linkerd.io/debug-image-pull-policy',
  'config.linkerd.io/debug-image-version',
  'config.linkerd.io/enable-debug-sidecar',
  'config.linkerd.io/enable-external-profiles',
  'config.linkerd.io/enable-gateway',
  'config.linkerd.io/init-image',
  'config.linkerd.io/init-image-version',
  'config.linkerd.io/proxy-additional-env',
  'config.linkerd.io/proxy-cpu-ratio-limit',
  'config.linkerd.io/proxy-disable-inbound-protocol-detect-timeout',
  'config.linkerd.io/proxy-disable-outbound-protocol-detect-timeout',
  'config.linkerd.io/proxy-inbound-connect-timeout',
  'config.linkerd.io/proxy-inbound-discovery-cache-unused-timeout',
  'config.linkerd.io/proxy-log-http-headers',
  'config.linkerd.io/proxy-metrics-hostname-labels',
  'config.linkerd.io/proxy-outbound-connect-timeout',
  'config.linkerd.io/proxy-outbound-discovery-cache-unused-timeout',
];

const SUPPORTED: ReadonlySet<string> = new Set(Object.values(ANNOTATION));
const CONFIGURATION_PREFIX = /^config\.(?:alpha\.|beta\.)?(?:linkerd\.io|weft\.dev)\//;

/** Longest value that is read: a list of a thousand ports. An object may carry 256 KiB. */
const MAX_VALUE_LENGTH = 8_192;

export type Annotations = Readonly<Record<string, string>>;

/** Reads annotations of a pod over those of its namespace, keeps what is wrong, and notes what the pod inherits. */
export class AnnotationReader {
  readonly warnings: string[] = [];
  /** Valid annotations of the namespace that the pod lacks: copied onto it, so that the pod shows what it was given. */
  readonly inherited: Record<string, string> = {};
  readonly #layers: readonly { at: 'workload' | 'namespace'; annotations: Annotations }[];

  constructor(pod: Annotations, namespace: Annotations) {
    this.#layers = [
      { at: 'workload', annotations: pod },
      { at: 'namespace', annotations: namespace },
    ];
  }

  /** The first valid value, pod before namespace; `fallback` when there is none. A wrong value is warned about and passed over. */
  read<T>(name: string, parse: (text: string, at: 'workload' | 'namespace') => Scalar<T>, fallback: T): T {
    for (const { at, annotations } of this.#layers) {
      const text = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
      if (text === undefined) continue;
      const parsed = parseShort(text, (value) => parse(value, at));
      if (!parsed.ok) {
        this.warnings.push(`annotation ${name} of the ${at} is ignored: it ${parsed.problem}`);
        continue;
      }
      if (at === 'namespace') this.inherited[name] = text;
      return parsed.value;
    }
    return fallback;
  }

  /**
   * A list of ports, in canonical form; entries that say nothing are left out with a warning. The compiler reads the same lists on the pod itself
   * (`crds/annotations/inbound.ts`).
   */
  readPorts(name: string, names: PortNames, fallback: string): string {
    for (const { at, annotations } of this.#layers) {
      const text = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
      if (text === undefined) continue;
      const { ranges, leftOut, problem } = readPortList(text, names);
      if (problem !== '') {
        this.warnings.push(`annotation ${name} of the ${at} is ignored: it ${problem}`);
        continue;
      }
      if (leftOut.length > 0) this.warnings.push(`annotation ${name} of the ${at} ${leftOutText(leftOut)}`);
      if (at === 'namespace') this.inherited[name] = text;
      return formatPortRanges(ranges);
    }
    return fallback;
  }

  /**
   * As `read`, for what keeps clients out: a wrong value means `strictest`, for what stands behind it may be laxer than what was meant.
   * An empty value counts as none.
   */
  readStrict<T>(
    name: string,
    parse: (text: string) => Scalar<T>,
    strictest: { value: T; means: string },
    fallback: T,
  ): T {
    for (const { at, annotations } of this.#layers) {
      const text = Object.hasOwn(annotations, name) ? annotations[name]! : '';
      if (text === '') continue;
      if (at === 'namespace') this.inherited[name] = text;
      const parsed = parseShort(text, parse);
      if (parsed.ok) return parsed.value;
      this.warnings.push(
        `annotation ${name} of the ${at} cannot be followed: it ${parsed.problem}; ${strictest.means}`,
      );
      return strictest.value;
    }
    return fallback;
  }

  /** Warns about configuration that has no effect: Linkerd's that is not supported, and what nobody knows. */
  warnAboutOthers(): void {
    for (const { at, annotations } of this.#layers) {
      for (const name of Object.keys(annotations).toSorted()) {
        if (SUPPORTED.has(name) || !CONFIGURATION_PREFIX.test(name)) continue;
        const reason = UNSUPPORTED.includes(name) ? 'is not supported and has no effect' : 'is not known';
        this.warnings.push(`annotation ${quote(name)} of the ${at} ${reason}`);
      }
    }
  }
}

function parseShort<T>(text: string, parse: (text: string) => Scalar<T>): Scalar<T> {
  return text.length > MAX_VALUE_LENGTH ? invalid(`must be shorter than ${MAX_VALUE_LENGTH} characters`) : parse(text);
}
