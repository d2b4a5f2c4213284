import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { WORKLOAD } from '../../../crds/annotations/workload.ts';
import { parseMesh } from '../../../crds/kinds/mesh/parse.ts';
import { parseServer } from '../../../crds/kinds/server/parse.ts';
import { loadManifests } from '../../../crds/manifest.ts';
import { NO_NAMES } from '../../../crds/scalars/port-list.ts';
import { readRunConfig } from '../../../proxy-image/config/config.ts';
import {
  ACCESS_POLICIES,
  type AccessPolicy,
  DEFAULT_INBOUND_POLICY,
  UNREADABLE_POLICY,
} from '../../../proxy-image/contract/access-policy.ts';
import { environmentOf, injected } from '../../support/pods.ts';
import { mesh, server } from './parse/objects.ts';

const NAMES: readonly string[] = ACCESS_POLICIES;
const OTHERS = ['Deny', 'none', 'allow', 'all', 'cluster', 'unauthenticated', 'deny ', 'toString'];
const docs = (page: string) => readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8');

/** Every `enum` with the name of a policy among the schemas of all kinds and versions, by its path. */
function policyEnums(value: unknown, path = ''): [path: string, names: unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const isPolicies = key === 'enum' && Array.isArray(inner) && inner.some((name) => NAMES.includes(name));
    return isPolicies ? [[path, inner]] : policyEnums(inner, `${path}.${key}`);
  });
}

/** Names in code type of a stretch of documentation that stand in the list of policies. */
function listed(text: string, from: string, to: string): string[] {
  const start = text.indexOf(from);
  expect(start, from).to.be.at.least(0);
  const stretch = text.slice(start + from.length, text.indexOf(to, start + from.length));
  return [...stretch.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}

/** What each reader takes for a policy; `null`: nothing. */
const READERS: Record<string, (name: string) => AccessPolicy | null> = {
  'accessPolicy of a Server': (accessPolicy) =>
    parseServer(server({ podSelector: {}, port: 80, accessPolicy })).model?.accessPolicy ?? null,
  'defaultInboundPolicy of the Mesh': (defaultInboundPolicy) =>
    parseMesh(mesh({ proxy: { defaultInboundPolicy } })).model?.proxy.defaultInboundPolicy ?? null,
  'the annotation default-inbound-policy': (text) => {
    const reading = WORKLOAD.defaultInboundPolicy.parse(text, NO_NAMES);
    return reading.ok ? reading.value : null;
  },
};

describe('the six access policies', () => {
  it('are the values of every such field of every manifest, in all its versions, and of two kinds', () => {
    const found = loadManifests().flatMap((manifest) =>
      policyEnums(manifest.spec).map(([, names]) => [manifest.spec.names.kind, names] as const),
    );
    expect(new Set(found.map(([kind]) => kind))).to.deep.equal(new Set(['Mesh', 'Server']));
    for (const [kind, names] of found) expect(names, kind).to.deep.equal(NAMES);
  });

  for (const [what, read] of Object.entries(READERS)) {
    it(`are what ${what} takes, and nothing else is`, () => {
      expect(NAMES.map(read)).to.deep.equal(NAMES);
      expect(OTHERS.map(read)).to.deep.equal(OTHERS.map(() => null));
    });
  }

  it('are what the environment of the proxy takes; with another it does not start, and an empty one is the default', () => {
    const environment = environmentOf(injected().proxy);
    const read = (text: string) =>
      readRunConfig({ ...environment, WEFT_PROXY_DEFAULT_INBOUND_POLICY: text }).inbound.policy;
    expect(NAMES.map(read)).to.deep.equal(NAMES);
    expect(read('')).to.equal(DEFAULT_INBOUND_POLICY);
    for (const other of OTHERS.filter((name) => name.trim() === name)) expect(() => read(other), other).to.throw();
  });

  it('are what the documentation lists', () => {
    const authorization = docs('authorization.md').replaceAll('\n', ' ');
    expect(listed(authorization, 'Mesh): ', '.')).to.have.members(NAMES);
    const row = docs('reference/server.md')
      .split('\n')
      .find((line) => line.startsWith('| `accessPolicy` |'))!;
    expect(listed(row, '| text | `deny` | ', ';')).to.have.members(NAMES);
    const ofMesh = docs('reference/mesh.md');
    expect(ofMesh).to.contain(`| \`proxy.defaultInboundPolicy\` | \`${DEFAULT_INBOUND_POLICY}\` |`);
  });

  it('deny where somebody wrote something that is none', () => {
    expect(UNREADABLE_POLICY).to.equal('deny');
    expect(WORKLOAD.defaultInboundPolicy.strictest?.value).to.equal('deny');
  });
});
