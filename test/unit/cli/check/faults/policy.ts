import { custom, READY, type World } from '../world.ts';
import type { Fault } from './fault.ts';

const SERVER = 'Server.policy.linkerd.io';
const POLICY = 'AuthorizationPolicy.policy.linkerd.io';
const AUTHORIZATION = 'ServerAuthorization.policy.linkerd.io';
const RATE_LIMIT = 'HTTPLocalRateLimitPolicy.policy.linkerd.io';
const ROUTE = 'HTTPRoute.policy.linkerd.io';
const PROFILE = 'ServiceProfile.linkerd.io';
const SPLIT = 'TrafficSplit.split.smi-spec.io';
const PROFILE_NAME = 'web.shop.svc.cluster.local';

const ASSESSED: Fault[] = [
  {
    code: 'object-invalid',
    title: 'a pattern that is none',
    plant: (world) => world.set(PROFILE, PROFILE_NAME, 'spec.routes.0.condition.pathRegex', '('),
    object: `serviceprofile/${PROFILE_NAME} in shop`,
    reason: /spec\.routes\[0\]\.condition\.pathRegex/,
    remedy: /-n shop edit serviceprofiles\.linkerd\.io web\.shop/,
  },
  {
    code: 'object-without-effect',
    title: 'a profile of another cluster domain',
    plant: (world) => world.add(PROFILE, custom('web.shop.svc.example.com', { routes: [] })),
    object: 'serviceprofile/web.shop.svc.example.com in shop',
    reason: /the cluster domain is cluster\.local/,
    remedy: /edit serviceprofiles/,
  },
  {
    code: 'object-overruled',
    title: 'two Servers for one port',
    plant: (world) => {
      world.add(SERVER, custom('web-late', { podSelector: { matchLabels: { app: 'web' } }, port: 8080 }));
      world.set(SERVER, 'web-late', 'metadata.creationTimestamp', '2026-05-02T00:00:00Z');
    },
    object: 'server/web-late in shop',
    reason: /Server shop\/web-http is older/,
    remedy: /edit servers\.policy\.linkerd\.io web-late/,
  },
  {
    code: 'authorization-without-server',
    title: 'a policy for a Server that is gone',
    plant: (world) => world.set(POLICY, 'web', 'spec.targetRef.name', 'web-grpc'),
    object: 'authorizationpolicy/web in shop',
    reason: /Server shop\/web-grpc does not exist/,
    remedy: /edit authorizationpolicies/,
  },
  {
    code: 'authorization-without-server',
    title: 'a ServerAuthorization whose selector finds none',
    plant: (world) =>
      world.add(
        AUTHORIZATION,
        custom('all', { server: { selector: { matchLabels: { app: 'none' } } }, client: { unauthenticated: true } }),
      ),
    object: 'serverauthorization/all in shop',
    reason: /no Server of namespace shop matches/,
    remedy: /edit serverauthorizations/,
  },
  {
    code: 'authorization-without-route',
    title: 'a policy for a route that is gone',
    plant: (world) =>
      world.set(POLICY, 'web', 'spec.targetRef', { group: 'policy.linkerd.io', kind: 'HTTPRoute', name: 'gone' }),
    object: 'authorizationpolicy/web in shop',
    reason: /HTTPRoute shop\/gone does not exist/,
    remedy: /edit authorizationpolicies/,
  },
  {
    code: 'authentication-missing',
    title: 'what a policy requires is gone',
    plant: (world) => world.remove('MeshTLSAuthentication.policy.linkerd.io', 'clients'),
    object: 'authorizationpolicy/web in shop',
    reason: /MeshTLSAuthentication shop\/clients does not exist/,
    remedy: /edit authorizationpolicies/,
  },
  {
    code: 'rate-limit-without-server',
    title: 'a limit for a Server that is gone',
    plant: (world) =>
      world.add(RATE_LIMIT, custom('web', { targetRef: server('gone'), total: { requestsPerSecond: 9 } })),
    object: 'httplocalratelimitpolicy/web in shop',
    reason: /Server shop\/gone does not exist/,
    remedy: /edit httplocalratelimitpolicies/,
  },
  {
    code: 'route-parent-missing',
    title: 'a route of a Service that is gone',
    plant: (world) => world.add(ROUTE, route('gone', service('gone'), [{}])),
    object: 'httproute/gone in shop',
    reason: /Service shop\/gone does not exist/,
    remedy: /edit httproutes\.policy\.linkerd\.io gone/,
  },
  {
    code: 'route-invalid',
    title: 'a route of which nothing can be carried out',
    plant: (world) =>
      world.add(
        ROUTE,
        route('bad', server('web-http'), [{ matches: [{ path: { type: 'RegularExpression', value: '(' } }] }]),
      ),
    object: 'httproute/bad in shop',
    reason: /spec\.rules\[0\]/,
    remedy: /edit httproutes/,
  },
  {
    code: 'route-partly-invalid',
    title: 'a route with one rule that can be carried out',
    plant: (world) =>
      world.add(
        ROUTE,
        route('half', server('web-http'), [{ matches: [{ path: { type: 'RegularExpression', value: '(' } }] }, {}]),
      ),
    object: 'httproute/half in shop',
    reason: /Dropped Rule/,
    remedy: /edit httproutes/,
  },
  {
    code: 'route-filter-missing',
    title: 'a fault that is not there',
    plant: (world) => {
      world.objects.set(PROFILE, []);
      const extensionRef = { group: 'weft.dev', kind: 'HTTPFault', name: 'slow' };
      world.add(ROUTE, route('slow', service('web'), [{ filters: [{ type: 'ExtensionRef', extensionRef }] }]));
    },
    object: 'httproute/slow in shop',
    reason: /HTTPFault shop\/slow does not exist/,
    remedy: /edit httproutes/,
  },
  {
    code: 'service-missing',
    title: 'a profile of a Service that is gone',
    plant: (world) => world.add(PROFILE, custom('gone.shop.svc.cluster.local', { routes: [] })),
    object: 'serviceprofile/gone.shop.svc.cluster.local in shop',
    reason: /Service shop\/gone does not exist/,
    remedy: /edit serviceprofiles/,
  },
  {
    code: 'backend-missing',
    title: 'a split to a Service that is gone',
    plant: (world) => split(world, { service: 'web', weight: 1 }, { service: 'web-v2', weight: 1 }),
    object: 'trafficsplit/web in shop',
    reason: /Service shop\/web-v2 does not exist/,
    remedy: /edit trafficsplits/,
  },
  {
    code: 'backend-missing',
    title: 'a route to a Service that is gone',
    plant: (world) => {
      world.objects.set(PROFILE, []);
      world.add(ROUTE, route('canary', service('web'), [{ backendRefs: [{ name: 'web-v2', port: 80 }] }]));
    },
    object: 'httproute/canary in shop',
    reason: /Service shop\/web-v2 does not exist/,
    remedy: /edit httproutes/,
  },
  {
    code: 'backend-without-endpoints',
    title: 'a split to a Service without pods',
    plant: (world) => {
      world.add('Service', {
        metadata: { name: 'web-v2', namespace: 'shop' },
        spec: {
          clusterIP: '10.96.0.11',
          clusterIPs: ['10.96.0.11'],
          ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }],
        },
      });
      split(world, { service: 'web', weight: 1 }, { service: 'web-v2', weight: 1 });
    },
    object: 'trafficsplit/web in shop',
    reason: /Service shop\/web-v2 has no ready endpoint/,
    remedy: /edit trafficsplits/,
  },
  {
    code: 'server-port-missing',
    title: 'a port that was renamed',
    plant: (world) =>
      world.add(SERVER, custom('web-grpc', { podSelector: { matchLabels: { app: 'web' } }, port: 'grpc' })),
    object: 'server/web-grpc in shop',
    reason: /none of 2 pods has a container port named grpc/,
    remedy: /edit servers/,
  },
  {
    code: 'server-port-bypassed',
    title: 'a Server for a port that no proxy sees',
    plant: (world) => world.add(SERVER, custom('galera', { podSelector: { matchLabels: { app: 'web' } }, port: 4567 })),
    object: 'server/galera in shop',
    reason: /bypass the proxy/,
    remedy: /edit servers/,
  },
];

const STATUS: Fault[] = [
  {
    code: 'server-selects-nothing',
    title: 'labels of a workload that is gone',
    plant: (world) => world.add(SERVER, custom('api', { podSelector: { matchLabels: { app: 'api' } }, port: 80 })),
    object: 'server/api in shop',
    reason: /selects no pod/,
    remedy: /edit servers/,
  },
  {
    code: 'object-doubtful',
    title: 'two routes of one name',
    plant: (world) => {
      const routes = ['/a', '/b'].map((pathRegex) => ({ name: 'same', condition: { pathRegex } }));
      world.set(PROFILE, PROFILE_NAME, 'spec.routes', routes);
    },
    object: `serviceprofile/${PROFILE_NAME} in shop`,
    reason: /same/,
    remedy: /edit serviceprofiles/,
  },
  {
    code: 'status-not-written',
    title: 'nobody has looked at an object since it was edited',
    plant: (world) => world.set(SERVER, 'web-http', 'metadata.generation', 3),
    object: 'server/web-http in shop',
    reason: /earlier generation/,
    remedy: /edit servers/,
  },
  {
    code: 'configuration-refused',
    title: 'an older proxy does not know a rule',
    plant: (world) =>
      programmed(world, 'Rejected', '1/2 proxies run with it; shop/web-7d4b9-a refused workload/… (unknown rule)'),
    object: 'server/web-http in shop',
    reason: /shop\/web-7d4b9-a refused/,
    remedy: /edit servers/,
  },
  {
    code: 'configuration-behind',
    title: 'a proxy does not answer',
    plant: (world) => programmed(world, 'NotAcknowledged', '1/2 proxies run with it; waiting for shop/web-7d4b9-a'),
    object: 'server/web-http in shop',
    reason: /waiting for shop\/web-7d4b9-a/,
    remedy: /edit servers/,
  },
  {
    code: 'configuration-behind',
    title: 'a proxy does not answer to a route',
    plant: (world) => {
      world.objects.set(PROFILE, []);
      const message = '1/2 proxies run with it; waiting for shop/web-7d4b9-a';
      const condition = { type: 'weft.dev/Programmed', status: 'False', reason: 'NotAcknowledged', message };
      const parents = [{ controllerName: 'linkerd.io/policy-controller', conditions: [condition] }];
      const rules = [{ backendRefs: [{ name: 'web', port: 80 }] }];
      world.add(ROUTE, custom('canary', { parentRefs: [service('web')], rules }, { parents }));
    },
    object: 'httproute/canary in shop',
    reason: /waiting for shop\/web-7d4b9-a/,
    remedy: /edit httproutes/,
  },
];

function server(name: string): object {
  return { group: 'policy.linkerd.io', kind: 'Server', name };
}

function service(name: string): object {
  return { group: 'core', kind: 'Service', name, port: 80 };
}

function route(name: string, parent: object, rules: object[]): object {
  return custom(name, { parentRefs: [parent], rules }, { parents: [] });
}

function split(world: World, ...backends: object[]): void {
  world.add(SPLIT, custom('web', { service: 'web', backends }));
}

function programmed(world: World, reason: string, message: string): void {
  const conditions = [{ type: 'Programmed', status: 'False', reason, message, observedGeneration: 1 }];
  world.set(SERVER, 'web-http', 'status', { ...READY, conditions });
}

/** What users say of their traffic. */
export const OF_POLICY: readonly Fault[] = [...ASSESSED, ...STATUS];
