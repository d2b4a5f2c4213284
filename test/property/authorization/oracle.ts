/**
 * What Linkerd's documentation says of a request to a port of a pod, read from the objects as users write them. It imports nothing of ours, so that it cannot
 * repeat a mistake of ours.
 */
// biome-ignore lint/suspicious/noExplicitAny: objects as they come from the API server
export type Raw = any;
export type Client = { ip: string; tls: boolean; identity: string | null };
export type Asked = Client & { method: string; path: string; headers: Record<string, string> };
export type Verdict = 'allowed' | 'audit' | 'probe' | 'denied' | 'no route';

/** Any of `networks`, and `who`. */
type Grant = { networks: { cidr: string; except?: string[] }[]; who: 'anybody' | 'tls' | string[] };

const SUFFIX = 'serviceaccount.identity.linkerd.cluster.local';
const EVERYWHERE = [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }];
const PRIVATE = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fd00::/8'];
const CLUSTER = PRIVATE.map((cidr) => ({ cidr }));
const DEFAULT = 'config.linkerd.io/default-inbound-policy';

export function expectedOfRequest(objects: Raw[], pod: Raw, port: number, asked: Asked): Verdict {
  const server = serverOf(objects, pod, port);
  const routes = server === null ? [] : routesOf(objects, server);
  const rule = routes.length === 0 ? null : ruleOf(routes, asked);
  const verdict = routes.length > 0 && rule === null ? 'no route' : judge(objects, pod, server, rule, asked);
  const isProbe = asked.method === 'GET' && probesOf(pod, port).includes(asked.path);
  return verdict !== 'allowed' && isProbe ? 'probe' : verdict;
}

export function expectedOfBytes(objects: Raw[], pod: Raw, port: number, client: Client): Verdict {
  return judge(objects, pod, serverOf(objects, pod, port), null, client);
}

function judge(objects: Raw[], pod: Raw, server: Raw | null, route: Raw | null, client: Client): Verdict {
  if (!client.tls && client.ip === '127.0.0.1') return 'allowed';
  const ofPod = pod.metadata.annotations?.[DEFAULT] ?? 'all-unauthenticated';
  const access = server === null ? ofPod : (server.spec.accessPolicy ?? 'deny');
  const grants = [...grantsOfPolicy(access), ...(server === null ? [] : grantsOfServer(objects, server))];
  if (route !== null) grants.push(...policiesFor(objects, route.metadata.namespace, route));
  if (grants.some((grant) => admits(grant, client))) return 'allowed';
  return access === 'audit' ? 'audit' : 'denied';
}

function grantsOfPolicy(name: string): Grant[] {
  const networks = name.startsWith('all') ? EVERYWHERE : CLUSTER;
  if (name.endsWith('-unauthenticated')) return [{ networks, who: 'anybody' }];
  return name.endsWith('-authenticated') ? [{ networks, who: ['*'] }] : [];
}

function grantsOfServer(objects: Raw[], server: Raw): Grant[] {
  const { namespace } = server.metadata;
  const legacy = of(objects, 'ServerAuthorization', namespace).filter(({ spec }) => {
    const { name, selector } = spec.server;
    return name === undefined ? selects(selector, server) : name === server.metadata.name;
  });
  return [
    ...legacy.map(({ spec }) => grantOfLegacy(spec.client, namespace)),
    ...policiesFor(objects, namespace, server),
    ...policiesFor(objects, namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
  ];
}

function grantOfLegacy(client: Raw, namespace: string): Grant {
  const networks = client.networks ?? CLUSTER;
  if (client.unauthenticated === true) return { networks, who: 'anybody' };
  if (client.meshTLS?.unauthenticatedTLS === true) return { networks, who: 'tls' };
  const accounts = (client.meshTLS?.serviceAccounts ?? []).map((account: Raw) => {
    return `${account.name}.${account.namespace ?? namespace}.${SUFFIX}`;
  });
  return { networks, who: [...(client.meshTLS?.identities ?? []), ...accounts] };
}

/** All that a policy requires must be met; one that requires what does not exist counts for nothing. */
function policiesFor(objects: Raw[], namespace: string, target: Raw): Grant[] {
  const group = target.apiVersion.includes('/') ? target.apiVersion.split('/')[0] : '';
  return of(objects, 'AuthorizationPolicy', namespace).flatMap(({ spec }) => {
    const { targetRef, requiredAuthenticationRefs: refs } = spec;
    const isMeant =
      targetRef.kind === target.kind && targetRef.name === target.metadata.name && (targetRef.group ?? '') === group;
    if (!isMeant) return [];
    const grant: Grant = { networks: EVERYWHERE, who: 'anybody' };
    for (const ref of refs) {
      const where = ref.namespace ?? namespace;
      if (ref.kind === 'ServiceAccount') grant.who = [`${ref.name}.${where}.${SUFFIX}`];
      else {
        const found = of(objects, ref.kind, where).find(({ metadata }) => metadata.name === ref.name);
        if (found === undefined) return [];
        if (ref.kind === 'NetworkAuthentication') grant.networks = found.spec.networks;
        else grant.who = identitiesOf(found);
      }
    }
    return [grant];
  });
}

function identitiesOf({ spec, metadata }: Raw): string[] {
  const refs = (spec.identityRefs ?? []).map((ref: Raw) => {
    return ref.kind === 'Namespace'
      ? `*.${ref.name}.${SUFFIX}`
      : `${ref.name}.${ref.namespace ?? metadata.namespace}.${SUFFIX}`;
  });
  return [...(spec.identities ?? []), ...refs];
}

function admits({ networks, who }: Grant, { ip, tls, identity }: Client): boolean {
  const isFrom = networks.some(
    ({ cidr, except }) => within(cidr, ip) && !(except ?? []).some((part) => within(part, ip)),
  );
  if (!isFrom || who === 'anybody') return isFrom;
  if (who === 'tls') return tls;
  return (
    tls &&
    identity !== null &&
    who.some((name) => name === identity || name === '*' || (name.startsWith('*.') && identity.endsWith(name.slice(1))))
  );
}

/** The oldest Server that selects the pod and the port, then the first by name. */
function serverOf(objects: Raw[], pod: Raw, port: number): Raw | null {
  const ports = pod.spec.containers[0].ports;
  const meant = of(objects, 'Server', pod.metadata.namespace).filter(({ spec }) => {
    const isPort =
      spec.port === port || ports.some((each: Raw) => each.name === spec.port && each.containerPort === port);
    return isPort && selects(spec.podSelector, pod);
  });
  return meant.sort(older)[0] ?? null;
}

function older(a: Raw, b: Raw): number {
  const [x, y] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`);
  return x! < y! ? -1 : 1;
}

function selects(selector: { matchLabels?: Record<string, string> }, { metadata }: Raw): boolean {
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => metadata.labels?.[key] === value);
}

function routesOf(objects: Raw[], server: Raw): Raw[] {
  return of(objects, 'HTTPRoute', server.metadata.namespace)
    .filter(({ spec }) =>
      spec.parentRefs.some((ref: Raw) => ref.kind === 'Server' && ref.name === server.metadata.name),
    )
    .sort(older);
}

/** Exact paths, then the longest prefix, then a method, then the most headers; then the oldest route, then the first match (Gateway API). */
function ruleOf(routes: Raw[], asked: Asked): Raw | null {
  const found = routes.flatMap((route) =>
    route.spec.rules.flatMap((rule: Raw) => (rule.matches ?? [{}]).map((match: Raw) => ({ route, match }))),
  );
  const matching = found
    .filter(({ match }) => isFor(match, asked))
    .map((each, order) => ({ ...each, order, rank: rankOf(each.match) }));
  matching.sort((a, b) => {
    const at = a.rank.findIndex((figure: number, index: number) => figure !== b.rank[index]);
    return at === -1 ? a.order - b.order : b.rank[at]! - a.rank[at]!;
  });
  return matching[0]?.route ?? null;
}

function isFor({ path, method, headers }: Raw, asked: Asked): boolean {
  const { type = 'PathPrefix', value = '/' } = path ?? {};
  const prefix = value.replace(/\/$/, '');
  const isPath = type === 'Exact' ? asked.path === value : asked.path === prefix || asked.path.startsWith(`${prefix}/`);
  const areHeaders = (headers ?? []).every((header: Raw) => asked.headers[header.name] === header.value);
  return isPath && areHeaders && (method === undefined || method === asked.method);
}

function rankOf({ path, method, headers }: Raw): number[] {
  const exact = path?.type === 'Exact';
  return [exact ? 1 : 0, exact ? 0 : (path?.value ?? '/').length, method === undefined ? 0 : 1, (headers ?? []).length];
}

function probesOf(pod: Raw, port: number): string[] {
  const { livenessProbe } = pod.spec.containers[0];
  return livenessProbe?.httpGet.port === port ? [livenessProbe.httpGet.path] : [];
}

function of(objects: Raw[], kind: string, namespace: string): Raw[] {
  return objects.filter((each) => each.kind === kind && each.metadata.namespace === namespace);
}

function within(cidr: string, ip: string): boolean {
  const [network = '', length = ''] = cidr.split('/');
  if (network.includes(':') !== ip.includes(':')) return false;
  const [a, b] = [bitsOf(network), bitsOf(ip)];
  const count = length === '' ? a.length : Number(length);
  return a.slice(0, count) === b.slice(0, count);
}

function bitsOf(ip: string): string {
  const octets = ip.split('.').map((part) => Number(part).toString(2).padStart(8, '0'));
  if (!ip.includes(':')) return octets.join('');
  const [head = '', tail = ''] = ip.split('::');
  const [first, last] = [head, tail].map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...first!, ...Array(8 - first!.length - last!.length).fill('0'), ...last!];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
