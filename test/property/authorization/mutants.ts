import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/** One line of the product as somebody might get it wrong. `line` stands once in `file`. */
export interface Mutant {
  file: string;
  line: string;
  instead: string;
}

const PASS = 'proxy-image/core/policy/pass.ts';
const PEER = 'proxy-image/core/policy/peer.ts';
const COMPILE = 'proxy-image/core/policy/compile.ts';
const AUTHORIZE = 'proxy-image/core/policy/authorize.ts';
const RULES = 'proxy-image/core/policy/rules.ts';
const SERVER = 'crds/compile/inbound/server.ts';
const LEGACY = 'crds/compile/inbound/authorization.ts';
const POLICY = 'crds/compile/inbound/authorization-policy.ts';
const TARGETS = 'crds/kinds/authorization/authorization-policy.ts';
const ROUTES = 'crds/compile/inbound/rules.ts';
const ATTACHMENT = 'crds/kinds/route/attachment.ts';
const WORKLOAD = 'crds/compile/inbound/workload.ts';

export const MUTANTS: readonly [Mutant, ...Mutant[]] = [
  { file: PASS, line: 'if (!inNetworks(authorization, peer)) continue;', instead: '' },
  { file: PASS, line: 'if (peer.loopback) return gate.decisions.loopback;', instead: '' },
  {
    file: PASS,
    line: "if (!peer.tls) return authorization.needs === 1 ? 'tls_required' : 'identity_required';",
    instead: '',
  },
  { file: PASS, line: "if (peer.identity === null) return 'identity_required';", instead: '' },
  {
    file: PASS,
    line: 'return gate.audit ? gate.decisions.audit : gate.decisions.denied[denied];',
    instead: 'return gate.decisions.denied[denied];',
  },
  {
    file: PEER,
    line: 'this.loopback = !tls && this.ip !== null && isLoopback(this.ip);',
    instead: 'this.loopback = this.ip !== null && isLoopback(this.ip);',
  },
  {
    file: PEER,
    line: 'if (this.#latest?.gate === gate) return this.#latest.decision;',
    instead: 'if (this.#latest !== null) return this.#latest.decision;',
  },
  { file: COMPILE, line: '.map((name) => name.slice(1)),', instead: '.map((name) => name.slice(2)),' },
  {
    file: COMPILE,
    line: "anyIdentity: names.includes('*'),",
    instead: "anyIdentity: names.some((name) => name.startsWith('*')),",
  },
  {
    file: AUTHORIZE,
    line: 'const decision = policy.rules === null ?',
    instead: 'const decision = policy.rules !== undefined ?',
  },
  {
    file: AUTHORIZE,
    line: "if (method === 'GET' || method === 'HEAD') return policy.probePaths.has(request.target);",
    instead: "if (method === 'GET') return true;",
  },
  {
    file: RULES,
    line: 'if (routeMemo?.portRules === this)',
    instead: 'if (routeMemo && routeMemo.portRules !== null)',
  },
  { file: RULES, line: 'this.#rules = source.rules.map(', instead: 'this.#rules = source.rules.toReversed().map(' },
  {
    file: RULES,
    line: 'const gate = gateOf({ authorizations, audit },',
    instead: 'const gate = gateOf({ authorizations, audit: false },',
  },
  {
    file: TARGETS,
    line: "...policiesOf(view, namespace, { group: '', kind: 'Namespace', name: namespace }),",
    instead: '',
  },
  {
    file: TARGETS,
    line: "...policiesOf(view, namespace, { group: AUTHORIZATION_POLICY.group, kind: 'Server', name }),",
    instead: '',
  },
  { file: SERVER, line: '...authorizationsOf(view, mesh, policiesOfServer(view, server.meta)),', instead: '' },
  { file: SERVER, line: '...policyAuthorizations(server.accessPolicy, mesh.clusterNetworks),', instead: '' },
  { file: SERVER, line: "audit: server.accessPolicy === 'audit',", instead: 'audit: false,' },
  {
    file: LEGACY,
    line: 'networks: networks.length > 0 ? networks :',
    instead: "networks: networks.length === 0 ? [{ cidr: '0.0.0.0/0', except: [] }] : networks.length > 0 ? networks :",
  },
  { file: POLICY, line: 'if (identities === null) return null;', instead: 'if (identities === null) continue;' },
  {
    file: POLICY,
    line: 'networks = found.networks.map(({ cidr, except }) => ({ cidr, except }));',
    instead: 'networks = found.networks.map(({ cidr }) => ({ cidr, except: [] }));',
  },
  {
    file: POLICY,
    line: "let authentication: AuthenticationMatch = { type: 'unauthenticated' };",
    instead: "let authentication: AuthenticationMatch = { type: 'tls' };",
  },
  { file: ROUTES, line: 'authorizations: [...own, ...ofServer] };', instead: 'authorizations: [...ofServer] };' },
  { file: ROUTES, line: 'authorizations: [...own, ...ofServer] };', instead: 'authorizations: [...own] };' },
  { file: ATTACHMENT, line: '.toSorted((a, b) => compareRanks(a.rank, b.rank))', instead: '' },
  { file: WORKLOAD, line: 'probePaths: probePaths(inbound.pod, port),', instead: 'probePaths: [],' },
];

const ROOT = new URL('../../../', import.meta.url).href;
const MARK = '?mutant=';

/** A module, and with it all of ours that it imports, loaded anew with one line of one file replaced. */
export async function importMutated<T>(url: URL, mutant: Mutant, number: number): Promise<T> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const isOurs = found.url.startsWith(ROOT) && !found.url.includes('/node_modules/');
      const marked = context.parentURL?.includes(MARK) === true || specifier.includes(MARK);
      return isOurs && marked && !found.url.includes(MARK) ? { ...found, url: `${found.url}${MARK}${number}` } : found;
    },
    load(address, context, next) {
      if (address !== `${ROOT}${mutant.file}${MARK}${number}`) return next(address, context);
      return { format: 'module-typescript', source: mutated(mutant), shortCircuit: true };
    },
  });
  try {
    return (await import(`${url.href}${MARK}${number}`)) as T;
  } finally {
    hooks.deregister();
  }
}

function mutated({ file, line, instead }: Mutant): string {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  const parts = text.split(line);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${line}`);
  return parts.join(instead);
}
