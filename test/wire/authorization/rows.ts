import { type Client, NAMESPACES } from '../world.ts';
import {
  authorizationPolicy,
  BUYER,
  byAccount,
  byMeshTls,
  byNetwork,
  grpcRoute,
  meshTls,
  networks,
  ONE,
  rateLimit,
  route,
  serverAuthorization,
  toGrpcRoute,
  toNamespace,
  toRoute,
  toServer,
} from './objects.ts';
import type { Asked, AuthorizationRow, Outcome, Place, Protocol } from './row.ts';

/** What a Server says of each protocol. */
const SPOKEN: Readonly<Record<Protocol, string>> = { http: 'HTTP/1', grpc: 'gRPC', tcp: 'opaque' };
const PROTOCOLS: readonly Protocol[] = ['http', 'grpc', 'tcp'];

const CLIENTS: readonly Client[] = ['one', 'two', 'buyer', 'outsider'];

/** Every client: those that are named are let in, the others are not. */
function only(...allowed: Client[]): Asked[] {
  return CLIENTS.map((client) => ({ client, outcome: allowed.includes(client) ? 'allowed' : 'denied' }));
}

interface Rule {
  title: string;
  rule: string;
  accessPolicy?: string;
  objects?: (place: Place) => object[];
  asked: Asked[];
}

const everything = [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }];
const host = (ip: string) => ({ cidr: `${ip}/32` });

/** Each of these over HTTP/1, gRPC and opaque TCP. */
const OF_SERVERS: readonly Rule[] = [
  {
    title: 'a Server without any authorization',
    rule: 'Linkerd: Server, accessPolicy defaults to deny',
    asked: only(),
  },
  {
    title: 'ServerAuthorization of a ServiceAccount',
    rule: 'ServerAuthorization client.meshTLS.serviceAccounts',
    objects: ({ name }) => [serverAuthorization(name, { name }, { meshTLS: { serviceAccounts: [{ name: 'one' }] } })],
    asked: only('one'),
  },
  {
    title: 'ServerAuthorization of identities, by the labels of the Server',
    rule: 'ServerAuthorization server.selector, client.meshTLS.identities',
    objects: ({ name }) => [
      serverAuthorization(
        name,
        { selector: { matchLabels: { row: name } } },
        { meshTLS: { identities: [`*.${NAMESPACES['shop']}.serviceaccount.identity.linkerd.cluster.local`] } },
      ),
    ],
    asked: only('one', 'two'),
  },
  {
    title: 'ServerAuthorization of everybody from one address',
    rule: 'ServerAuthorization client.networks, client.unauthenticated',
    objects: ({ name, ipOf }) => [
      serverAuthorization(name, { name }, { unauthenticated: true, networks: [host(ipOf('outsider'))] }),
    ],
    asked: only('outsider'),
  },
  {
    title: 'AuthorizationPolicy of a ServiceAccount of another namespace',
    rule: 'AuthorizationPolicy requiredAuthenticationRefs: ServiceAccount',
    objects: ({ name }) => [authorizationPolicy(name, toServer(name), [byAccount('buyer', NAMESPACES['buyer'])])],
    asked: only('buyer'),
  },
  {
    title: 'AuthorizationPolicy of a MeshTLSAuthentication with identities',
    rule: 'MeshTLSAuthentication identities',
    objects: ({ name }) => [
      meshTls(name, { identities: [ONE, BUYER] }),
      authorizationPolicy(name, toServer(name), [byMeshTls(name)]),
    ],
    asked: only('one', 'buyer'),
  },
  {
    title: 'AuthorizationPolicy of both a certificate and a network',
    rule: 'AuthorizationPolicy requiredAuthenticationRefs: all of them',
    objects: ({ name, ipOf }) => [
      meshTls(name, { identities: ['*'] }),
      networks(name, host(ipOf('two')), host(ipOf('outsider'))),
      authorizationPolicy(name, toServer(name), [byMeshTls(name), byNetwork(name)]),
    ],
    asked: only('two'),
  },
  {
    title: 'AuthorizationPolicy that requires nothing',
    rule: 'AuthorizationPolicy requiredAuthenticationRefs: an empty list lets everybody in',
    objects: ({ name }) => [authorizationPolicy(name, toServer(name), [])],
    asked: only(...CLIENTS),
  },
  {
    title: 'accessPolicy all-authenticated',
    rule: 'Server accessPolicy',
    accessPolicy: 'all-authenticated',
    asked: only('one', 'two', 'buyer'),
  },
  {
    title: 'accessPolicy audit',
    rule: 'Server accessPolicy: audit lets in and counts',
    accessPolicy: 'audit',
    asked: only(...CLIENTS),
  },
];

const overAll: readonly AuthorizationRow[] = OF_SERVERS.flatMap(({ title, rule, accessPolicy, objects, asked }) =>
  PROTOCOLS.map((protocol) => ({
    title: `${title}, ${SPOKEN[protocol]}`,
    rule,
    server: { proxyProtocol: SPOKEN[protocol], ...(accessPolicy === undefined ? {} : { accessPolicy }) },
    ...(objects === undefined ? {} : { objects }),
    asked: asked.map((each) => ({ ...each, protocol })),
  })),
);

/** Of a Server whose protocol is found out. */
function detected(title: string, rule: string, asked: Asked[], objects: (place: Place) => object[]): AuthorizationRow {
  return { title, rule, server: {}, objects, asked };
}

const AUTHENTICATIONS: readonly AuthorizationRow[] = [
  detected(
    'identityRefs of a namespace',
    'MeshTLSAuthentication identityRefs: Namespace',
    only('buyer'),
    ({ name }) => [
      meshTls(name, { identityRefs: [{ kind: 'Namespace', name: NAMESPACES['buyer'] }] }),
      authorizationPolicy(name, toServer(name), [byMeshTls(name)]),
    ],
  ),
  detected(
    'identityRefs of a ServiceAccount',
    'MeshTLSAuthentication identityRefs: ServiceAccount',
    only('two'),
    ({ name }) => [
      meshTls(name, { identityRefs: [{ kind: 'ServiceAccount', name: 'two' }] }),
      authorizationPolicy(name, toServer(name), [byMeshTls(name)]),
    ],
  ),
  detected(
    'a network with an exception',
    'NetworkAuthentication networks[].except',
    only('one', 'buyer', 'outsider'),
    ({ name, ipOf }) => [
      networks(name, { cidr: '0.0.0.0/0', except: [`${ipOf('two')}/32`] }, everything[1]!),
      authorizationPolicy(name, toServer(name), [byNetwork(name)]),
    ],
  ),
  detected(
    'an authentication that does not exist',
    'AuthorizationPolicy: one that requires what is missing is ignored',
    only('two'),
    ({ name }) => [
      authorizationPolicy(`${name}-missing`, toServer(name), [byMeshTls('none')]),
      authorizationPolicy(name, toServer(name), [byAccount('two')]),
    ],
  ),
  detected(
    'two policies, either of which suffices',
    'Linkerd: a request passes if any authorization matches',
    only('one', 'outsider'),
    ({ name, ipOf }) => [
      networks(name, host(ipOf('outsider'))),
      authorizationPolicy(`${name}-a`, toServer(name), [byAccount('one')]),
      authorizationPolicy(`${name}-b`, toServer(name), [byNetwork(name)]),
    ],
  ),
  detected(
    'a policy beside a ServerAuthorization',
    'Linkerd: a request passes if any authorization matches',
    only('one', 'two'),
    ({ name }) => [
      serverAuthorization(name, { name }, { meshTLS: { serviceAccounts: [{ name: 'one' }] } }),
      authorizationPolicy(name, toServer(name), [byAccount('two')]),
    ],
  ),
  {
    ...detected('a Server by the name of the port', 'Server port: number or name', only('one'), ({ name }) => [
      authorizationPolicy(name, toServer(name), [byAccount('one')]),
    ]),
    namedPort: true,
  },
];

const AT = { path: { type: 'PathPrefix', value: '/open' } };
const of = (client: Client, target: string, outcome: Outcome, method = 'GET'): Asked => ({
  client,
  target,
  outcome,
  method,
});

const ROUTES: readonly AuthorizationRow[] = [
  detected(
    'a route of its own authorization opens its requests to one ServiceAccount',
    'AuthorizationPolicy targetRef: HTTPRoute',
    [
      of('one', '/open/a', 'allowed'),
      of('two', '/open/a', 'denied'),
      of('outsider', '/open/a', 'denied'),
      of('one', '/opened', 'no route'),
      of('two', '/', 'no route'),
    ],
    ({ name }) => [
      route(name, name, [{ matches: [AT] }]),
      authorizationPolicy(name, toRoute(name), [byAccount('one')]),
    ],
  ),
  detected(
    'a policy for the Server holds for its routes too',
    'Linkerd: Server- and Namespace-level authorizations apply to every route',
    [
      of('one', '/open', 'allowed'),
      of('two', '/open', 'allowed'),
      of('buyer', '/open', 'denied'),
      of('one', '/rest', 'denied'),
      of('two', '/rest', 'allowed'),
    ],
    ({ name }) => [
      route(name, name, [{ matches: [AT] }]),
      route(`${name}-rest`, name, [{}]),
      authorizationPolicy(name, toRoute(name), [byAccount('one')]),
      authorizationPolicy(`${name}-server`, toServer(name), [byAccount('two')]),
    ],
  ),
  detected(
    'a route by method and header',
    'HTTPRoute rules[].matches, parent Server',
    [of('one', '/open', 'allowed'), of('one', '/open', 'no route', 'POST')],
    ({ name }) => [
      route(name, name, [{ matches: [{ ...AT, method: 'GET' }] }]),
      authorizationPolicy(name, toRoute(name), [byAccount('one')]),
    ],
  ),
  detected(
    'a route without any policy denies',
    'Linkerd: HTTPRoute on a Server, no authorization',
    [of('one', '/open', 'denied'), of('outsider', '/open', 'denied')],
    ({ name }) => [route(name, name, [{ matches: [AT] }])],
  ),
  {
    title: 'a GRPCRoute opens one method to one ServiceAccount',
    rule: 'AuthorizationPolicy targetRef: GRPCRoute',
    server: { proxyProtocol: 'gRPC' },
    objects: ({ name }) => [
      grpcRoute(name, name, [{ matches: [{ method: { service: 'a.B', method: 'Get' } }] }]),
      authorizationPolicy(name, toGrpcRoute(name), [byAccount('one')]),
    ],
    asked: [
      { client: 'one', protocol: 'grpc', target: '/a.B/Get', outcome: 'allowed' },
      { client: 'two', protocol: 'grpc', target: '/a.B/Get', outcome: 'denied' },
      { client: 'one', protocol: 'grpc', target: '/a.B/Put', outcome: 'no route' },
    ],
  },
];

/** The namespace of target `depot` has this policy once; every row of it is a Server there. */
function ofNamespace(protocol: Protocol): AuthorizationRow {
  return {
    title: `a policy of the namespace opens its Servers, ${SPOKEN[protocol]}`,
    rule: 'AuthorizationPolicy targetRef: Namespace',
    target: 'depot',
    server: { proxyProtocol: SPOKEN[protocol] },
    objects: ({ name }) => [
      authorizationPolicy(
        name,
        toNamespace(NAMESPACES['depot']!),
        [byAccount('one', NAMESPACES['shop'])],
        NAMESPACES['depot'],
      ),
    ],
    asked: only('one').map((each) => ({ ...each, protocol })),
  };
}

const meshed: readonly Client[] = ['one', 'two', 'buyer'];

/** Without a Server, by the default policy of the pod. */
const DEFAULTS: readonly AuthorizationRow[] = PROTOCOLS.flatMap((protocol): AuthorizationRow[] => {
  const asked = (...allowed: Client[]) => only(...allowed).map((each) => ({ ...each, protocol }));
  const rule = 'config.linkerd.io/default-inbound-policy';
  return [
    { title: `default policy all-unauthenticated, ${protocol}`, rule, server: null, asked: asked(...CLIENTS) },
    { title: `default policy deny, ${protocol}`, rule, target: 'deny', server: null, asked: asked() },
    { title: `default policy audit, ${protocol}`, rule, target: 'audit', server: null, asked: asked(...CLIENTS) },
    {
      title: `default policy cluster-authenticated, ${protocol}`,
      rule,
      target: 'authenticated',
      server: null,
      asked: asked(...meshed),
    },
  ];
});

const LIMITS: readonly AuthorizationRow[] = [
  {
    title: 'a rate limit refuses what is too much',
    rule: 'HTTPLocalRateLimitPolicy total',
    server: { proxyProtocol: 'HTTP/1', accessPolicy: 'all-unauthenticated' },
    objects: ({ name }) => [rateLimit(name, { total: { requestsPerSecond: 5 } })],
    asked: [{ client: 'one', outcome: 'limited' }],
  },
  {
    title: 'an override of the rate limit holds for the client that it names',
    rule: 'HTTPLocalRateLimitPolicy overrides',
    server: { proxyProtocol: 'HTTP/1', accessPolicy: 'all-unauthenticated' },
    objects: ({ name }) => [
      rateLimit(name, {
        identity: { requestsPerSecond: 1_000 },
        overrides: [{ requestsPerSecond: 5, clientRefs: [{ kind: 'ServiceAccount', name: 'two' }] }],
      }),
    ],
    asked: [
      { client: 'one', outcome: 'allowed' },
      { client: 'two', outcome: 'limited' },
    ],
  },
];

export const AUTHORIZATION_ROWS: Readonly<Record<string, readonly AuthorizationRow[]>> = {
  Servers: overAll,
  authentications: AUTHENTICATIONS,
  'routes of Servers': ROUTES,
  namespaces: PROTOCOLS.map(ofNamespace),
  defaults: DEFAULTS,
  'rate limits': LIMITS,
};
