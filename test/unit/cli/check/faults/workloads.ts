import { ISSUER_SECRET } from '../../../../../proxy-image/contract/names.ts';
import { NOW_MS, put, SYSTEM, secret, trust, type World } from '../world.ts';
import type { Fault } from './fault.ts';

const POD = 'web-7d4b9-a';
const WEB = `pod/${POD} in shop`;
const OUTSIDER = 'pod/outsider in shop';
const SERVICE = 'service/web in shop';
const RESTART = /kubectl -n shop rollout restart deployment\/web/;
const INIT = 'status.initContainerStatuses.0';
const PROXY = 'status.initContainerStatuses.1';

const PROXIES: Fault[] = [
  {
    code: 'data-plane-namespace',
    title: 'a namespace of another cluster',
    namespace: 'bookinfo',
    plant: () => {},
    object: 'namespace/bookinfo',
    reason: /does not exist/,
    remedy: /get namespaces/,
  },
  {
    code: 'init-failed',
    title: 'the kernel refuses the rules',
    plant: (world) =>
      world.set('Pod', POD, INIT, {
        name: 'linkerd-init',
        ready: false,
        restartCount: 4,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        lastState: { terminated: { reason: 'Error', exitCode: 1, finishedAt: '2026-06-01T11:59:00Z' } },
      }),
    object: WEB,
    reason: /linkerd-init has failed with Error \(exit code 1\)/,
    remedy: /-n shop logs web-7d4b9-a -c linkerd-init/,
  },
  {
    code: 'proxy-image',
    title: "the proxy's image is not in the registry",
    plant: (world) =>
      world.set('Pod', POD, PROXY, {
        name: 'linkerd-proxy',
        ready: false,
        restartCount: 0,
        state: { waiting: { reason: 'ErrImagePull', message: 'not found' } },
      }),
    object: WEB,
    reason: /ErrImagePull not found/,
    remedy: /-n shop describe pod/,
  },
  {
    code: 'proxy-restarting',
    title: 'the proxy has no memory',
    plant: (world) =>
      world.set('Pod', POD, PROXY, {
        name: 'linkerd-proxy',
        ready: true,
        restartCount: 5,
        state: { running: {} },
        lastState: {
          terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: new Date(NOW_MS - 60_000).toISOString() },
        },
      }),
    object: WEB,
    reason: /restarted 5 times, the last time with OOMKilled/,
    remedy: /logs web-7d4b9-a -c linkerd-proxy --previous/,
  },
  {
    code: 'proxy-not-ready',
    title: 'the proxy waits for its certificate',
    plant: (world) => {
      world.set('Pod', POD, `${PROXY}.ready`, false);
      world.set('Pod', POD, 'status.startTime', '2026-06-01T11:50:00Z');
    },
    object: WEB,
    reason: /linkerd-proxy is not ready/,
    remedy: /-n shop logs web-7d4b9-a -c linkerd-proxy/,
  },
  {
    code: 'proxy-token',
    title: 'a policy of somebody else has taken the volume of the token out',
    plant: (world) => {
      const { spec } = world.get('Pod', POD) as { spec: { volumes: { name: string }[] } };
      spec.volumes = spec.volumes.filter(({ name }) => name !== 'linkerd-identity-token');
    },
    object: WEB,
    reason: /lacks the volume linkerd-identity-token/,
    remedy: RESTART,
  },
  {
    code: 'proxy-trust',
    title: 'the root of trust was made anew since',
    plant: (world) =>
      world.remove('secrets', ISSUER_SECRET).add('secrets', secret(ISSUER_SECRET, trust(NOW_MS).issuer)),
    object: WEB,
    reason: /other anchors than those of Secret weft-identity-issuer/,
    remedy: RESTART,
  },
  {
    code: 'proxy-outdated',
    title: 'the proxy of an older version',
    plant: (world) => (container(world, 'linkerd-proxy')['image'] = 'localhost/weft-proxy:0.0.9'),
    object: WEB,
    reason: /is localhost\/weft-proxy:0\.0\.9, a new pod would get localhost\/weft-proxy:/,
    remedy: RESTART,
  },
];

const INJECTION: Fault[] = [
  {
    code: 'pod-not-injected',
    title: 'perhaps made before the namespace asked for proxies',
    plant: (world) => world.set('Pod', 'outsider', 'metadata.annotations', {}),
    object: OUTSIDER,
    reason: /has no proxy, which the annotation of its namespace asks for; it may have been made before/,
    remedy: /kubectl -n shop/,
  },
  {
    code: 'pod-not-injected',
    title: 'made when the namespace had long asked for proxies',
    plant: (world) => {
      world.set('Pod', 'outsider', 'metadata.annotations', {});
      world.set('Pod', 'outsider', 'metadata.creationTimestamp', '2026-06-01T11:00:00Z');
      const written = [{ manager: 'kubectl', operation: 'Update', time: '2026-06-01T10:00:00Z' }];
      world.set('Namespace', 'shop', 'metadata.managedFields', written);
      world.set('mutatingWebhooks', 'weft-injector', 'metadata.managedFields', written);
    },
    object: OUTSIDER,
    reason: /was made after that was asked for: the injector was not reached, or failed/,
    remedy: /kubectl -n shop/,
  },
  {
    code: 'pod-cannot-inject',
    title: 'a pod on the network of its node',
    plant: (world) => {
      world.set('Pod', 'outsider', 'metadata.annotations', {});
      world.set('Pod', 'outsider', 'spec.hostNetwork', true);
    },
    object: OUTSIDER,
    reason: /hostNetwork is enabled/,
    remedy: /get pod outsider/,
  },
  {
    code: 'pod-cannot-inject',
    title: 'a namespace whose security level forbids it',
    plant: (world) => {
      world.set('Pod', 'outsider', 'metadata.annotations', {});
      world.set('Namespace', 'shop', ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'], 'restricted');
    },
    object: OUTSIDER,
    reason: /NET_ADMIN/,
    remedy: /get pod outsider/,
  },
  {
    code: 'other-proxy',
    title: "a pod with Istio's sidecar in a namespace that wants ours",
    plant: (world) => {
      world.set('Pod', 'outsider', 'metadata.annotations', {});
      world.set('Pod', 'outsider', 'spec.containers.1', { name: 'istio-proxy', image: 'example/proxyv2:1' });
    },
    object: OUTSIDER,
    reason: /has a sidecar injected already/,
    remedy: /get pod outsider/,
  },
  {
    code: 'inject-annotation',
    title: 'a value that is neither yes nor no',
    plant: (world) => world.set('Pod', 'outsider', 'metadata.annotations', { 'linkerd.io/inject': 'yes' }),
    object: OUTSIDER,
    reason: /must be enabled, disabled or ingress/,
    remedy: /get pod outsider/,
  },
  {
    code: 'annotation-ignored',
    title: 'a value that cannot be read',
    plant: (world) => annotate(world, 'config.linkerd.io/proxy-cpu-request', 'much'),
    object: WEB,
    reason: /proxy-cpu-request of the workload is ignored/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'annotation-ignored',
    title: 'an annotation of Linkerd that means nothing here',
    plant: (world) => world.set('Namespace', 'shop', ['metadata', 'annotations', 'config.linkerd.io/nonesuch'], 'x'),
    object: WEB,
    reason: /nonesuch/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'service-annotation',
    title: 'a limit that is none',
    plant: (world) => world.set('Service', 'web', 'metadata.annotations', { 'retry.linkerd.io/limit': 'often' }),
    object: SERVICE,
    reason: /retry\.linkerd\.io\/limit/,
    remedy: /edit service web/,
  },
  {
    code: 'container-bypasses-proxy',
    title: "a container that runs as the proxy's user",
    plant: (world) => (container(world, 'app')['securityContext'] = { runAsUser: 2102 }),
    object: WEB,
    reason: /container "app" can bypass the proxy: it runs as user 2102/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'port-taken',
    title: 'an application on port 4191',
    plant: (world) => {
      (container(world, 'app')['ports'] as object[]).push({ containerPort: 4191, protocol: 'TCP' });
    },
    object: WEB,
    reason: /has the port 4191/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'account-without-identity',
    title: 'the name of the ServiceAccount has a dot',
    plant: (world) => world.set('Pod', POD, 'spec.serviceAccountName', 'web.v2'),
    object: WEB,
    reason: /"web\.v2" gets no identity/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'dns-policy',
    title: 'the name servers of the node',
    plant: (world) => world.set('Pod', POD, 'spec.dnsPolicy', 'Default'),
    object: WEB,
    reason: /will not become ready/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'traffic-skipped',
    title: 'an annotation leaves out a port',
    plant: (world) => annotate(world, 'config.linkerd.io/skip-outbound-ports', '3306'),
    object: WEB,
    reason: /outbound ports "3306" bypass the proxy/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'killed-early',
    title: 'the proxy waits longer than its pod may live',
    plant: (world) => {
      annotate(world, 'config.alpha.linkerd.io/proxy-wait-before-exit-seconds', '60');
      annotate(world, 'config.alpha.linkerd.io/proxy-enable-native-sidecar', 'false');
    },
    object: WEB,
    reason: /waits 60 s before it ends, but is killed after 30 s/,
    remedy: /edit deployment\/web/,
  },
  {
    code: 'ingress-mode',
    title: "an ingress controller that was configured for Linkerd's mode",
    plant: (world) => annotate(world, 'linkerd.io/inject', 'ingress'),
    object: WEB,
    reason: /ingress is not supported yet/,
    remedy: /edit deployment\/web/,
  },
];

const PORTS: Fault[] = [
  {
    code: 'opaque-port-mismatch',
    title: 'opaque for its Service alone',
    plant: (world) => world.set('Service', 'web', 'metadata.annotations', { 'config.linkerd.io/opaque-ports': '80' }),
    object: SERVICE,
    reason: /port 80 is opaque, and port 8080 of pod web-7d4b9-a is not/,
    remedy: /edit service web/,
  },
  {
    code: 'opaque-port-mismatch',
    title: 'opaque for its pods alone',
    plant: (world) => annotate(world, 'config.linkerd.io/opaque-ports', '8080'),
    object: SERVICE,
    reason: /port 80 is not opaque, and port 8080 of pod web-7d4b9-a is/,
    remedy: /edit service web/,
  },
  {
    code: 'service-port-skipped',
    title: 'a database cluster whose replication bypasses the proxy',
    plant: (world) =>
      world.set('Service', 'web', 'spec.ports.1', { name: 'galera', port: 4567, targetPort: 4567, protocol: 'TCP' }),
    object: SERVICE,
    reason: /port 4567 leads to port 4567 of pod web-7d4b9-a, which bypasses the proxy/,
    remedy: /edit service web/,
  },
  {
    code: 'service-proxy-port',
    title: "a Service in front of the proxy's own port",
    plant: (world) =>
      world.set('Service', 'web', 'spec.ports.1', { name: 'mesh', port: 81, targetPort: 4143, protocol: 'TCP' }),
    object: SERVICE,
    reason: /leads to port 4143, on which the proxy/,
    remedy: /edit service web/,
  },
  {
    code: 'service-target-port',
    title: 'a port was renamed in the pods',
    plant: (world) => world.set('Service', 'web', 'spec.ports.0.targetPort', 'web'),
    object: SERVICE,
    reason: /a port called web, which none of 2 pods has/,
    remedy: /edit service web/,
  },
];

const NETWORK: Fault[] = [
  {
    code: 'network-policy-mesh',
    title: 'the port of the application is admitted, and nothing else',
    plant: (world) =>
      policy(world, { policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 'http', protocol: 'TCP' }] }] }),
    object: 'networkpolicy/web in shop',
    reason: /admits port 8080 of pod web-7d4b9-a, and not 4143/,
    remedy: /-n shop edit networkpolicy web/,
  },
  {
    code: 'network-policy-control-plane',
    title: 'only the database may be reached',
    plant: (world) => policy(world, { policyTypes: ['Egress'], egress: [{ ports: [{ port: 5432 }] }] }),
    object: 'networkpolicy/web in shop',
    reason: /from port 8080 and 8086 of weft-system: its proxy gets no certificate/,
    remedy: /-n shop edit networkpolicy web/,
  },
  {
    code: 'network-policy-control-plane',
    title: 'only the own namespace may be reached',
    plant: (world) => policy(world, { policyTypes: ['Egress'], egress: [{ to: [{ podSelector: {} }] }] }),
    object: 'networkpolicy/web in shop',
    reason: /its proxy gets no certificate/,
    remedy: /-n shop edit networkpolicy web/,
  },
  {
    code: 'network-policy-control-plane',
    title: 'configuration is forgotten',
    plant: (world) =>
      policy(world, {
        policyTypes: ['Egress'],
        egress: [
          {
            to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': SYSTEM } } }],
            ports: [{ port: 8080 }],
          },
        ],
      }),
    object: 'networkpolicy/web in shop',
    reason: /port 8086 of weft-system: its proxy gets no configuration/,
    remedy: /-n shop edit networkpolicy web/,
  },
];

function policy(world: World, spec: object): void {
  const metadata = { name: 'web', namespace: 'shop' };
  world.add('networkPolicies', { metadata, spec: { podSelector: { matchLabels: { app: 'web' } }, ...spec } });
}

/** On every pod of the workload. */
function annotate(world: World, name: string, value: string): void {
  for (const wanted of [POD, 'web-7d4b9-b']) put(world.get('Pod', wanted), ['metadata', 'annotations', name], value);
}

function container(world: World, name: string): Record<string, unknown> {
  const { spec } = world.get('Pod', POD) as {
    spec: Record<'containers' | 'initContainers', Record<string, unknown>[]>;
  };
  return [...spec.containers, ...spec.initContainers].find((each) => each['name'] === name)!;
}

/** Pods, Services and NetworkPolicies. */
export const OF_WORKLOADS: readonly Fault[] = [...PROXIES, ...INJECTION, ...PORTS, ...NETWORK];
