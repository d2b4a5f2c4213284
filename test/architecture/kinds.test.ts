import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { installation } from '../../cli/install/objects.ts';
import { SOURCES } from '../../cli/install/sources.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import { loadManifests } from '../../crds/manifest.ts';
import { sourceFiles } from './sources.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/** `group/resource` → verbs, of one ClusterRole; what is bound to names of objects is not looked at. */
function rights(role: string): Map<string, string[]> {
  const { controlPlane } = installation(SOURCES, {});
  const found = controlPlane.filter(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === role);
  const verbs = new Map<string, string[]>();
  for (const rule of found
    .flatMap((each) => each['rules'] as Rule[])
    .filter(({ resourceNames }) => resourceNames === undefined)) {
    for (const group of rule.apiGroups) {
      for (const resource of rule.resources) {
        const key = `${group}/${resource}`;
        verbs.set(key, [...(verbs.get(key) ?? []), ...rule.verbs].sort());
      }
    }
  }
  return verbs;
}

function withVerb(all: Map<string, string[]>, verb: string): string[] {
  return [...all].filter(([, verbs]) => verbs.includes(verb)).map(([resource]) => resource);
}

describe('rights', () => {
  const watched = KINDS.map(({ group, plural }) => `${group}/${plural}`);

  it('of the operator: it may list and watch every kind of the registry, and no other but injectors', () => {
    const role = rights('weft-operator');
    // Other injectors for linkerd.io/inject are looked for.
    const expected = [...watched, 'admissionregistration.k8s.io/mutatingwebhookconfigurations'].sort();
    expect(withVerb(role, 'watch').sort()).to.deep.equal(expected);
    for (const resource of expected) expect(role.get(resource), resource).to.include('list');
  });

  it('of the operator: it may write every status of the registry that is its to write, and no other', () => {
    const role = rights('weft-operator');
    const written = KINDS.filter(({ status }) => status.form !== 'none');
    const statuses = [...role.keys()].filter((resource) => resource.endsWith('/status'));
    expect(statuses.sort()).to.deep.equal(written.map(({ group, plural }) => `${group}/${plural}/status`).sort());
    for (const status of statuses) expect(role.get(status), status).to.deep.equal(['patch']);
  });

  it('of a proxy in direct mode: it may list and watch what it is compiled from, and nothing else', () => {
    const role = rights('weft-proxy-direct');
    const everywhere = KINDS.filter(({ watchedBy }) => watchedBy === 'everywhere');
    expect([...role.keys()].sort()).to.deep.equal(everywhere.map(({ group, plural }) => `${group}/${plural}`).sort());
    for (const [resource, verbs] of role) expect(verbs, resource).to.deep.equal(['list', 'watch']);
  });
});

describe('rows', () => {
  it('have a name each', () => {
    expect(new Set(KINDS.map(({ id }) => id)).size).to.equal(KINDS.length);
  });

  it('agree with the manifest of their kind, where it is ours', () => {
    const manifests = loadManifests();
    const ours = KINDS.filter(({ group, kind }) =>
      manifests.some(({ spec }) => spec.group === group && spec.names.kind === kind),
    );
    expect(ours.length, 'every manifest has a row').to.equal(manifests.length);
    for (const { id, group, kind, plural, scope, versions, watched } of ours) {
      const { spec } = manifests.find((each) => each.spec.group === group && each.spec.names.kind === kind)!;
      expect({ plural: spec.names.plural, scope: spec.scope }, id).to.deep.equal({ plural, scope });
      expect(spec.versions.map(({ name }) => name).sort(), id).to.deep.equal([...versions].sort());
      expect(spec.versions.find(({ storage }) => storage)?.name, `${id}: what is watched is stored`).to.equal(watched);
    }
  });

  it('are optional exactly where the definition is neither ours nor Kubernetes own', () => {
    const installed = new Set(loadManifests().map(({ spec }) => `${spec.names.kind}.${spec.group}`));
    const foreign = KINDS.filter(({ id, group }) => !['', 'discovery.k8s.io'].includes(group) && !installed.has(id));
    expect(KINDS.filter(({ optional }) => optional).map(({ id }) => id)).to.deep.equal(foreign.map(({ id }) => id));
  });
});

/** A kind that is named outside its folder is known in two places. Who may, and why. */
const MAY_NAME: Readonly<Record<string, readonly string[]>> = {
  // A phase of the start, not the kind.
  'operator/runtime/manager.ts': ['servers'],
  'operator/weft-operator.ts': ['servers'],
  // Injection is about pods.
  'webhooks/configurations.ts': ['pods'],
  'webhooks/inject/other-injectors.ts': ['pods'],
  // The paths of the API, whatever the kind.
  'operator/kube/resources.ts': ['namespaces'],
  'crds/viz/group.ts': ['namespaces'],
  'operator/viz/api/paths.ts': ['namespaces'],
  // Resources of another group, by which rights to tap are given: Linkerd calls them as the kinds whose pods they are about.
  'crds/viz/tap.ts': ['namespaces', 'pods'],
  'operator/viz/tap/question.ts': ['namespaces'],
  // A line of the answer.
  'operator/viz/tap/session.ts': ['pods'],
  'proxy-image/io/config-source/kubernetes/reflector.ts': ['services'],
  // A field of the proxy's state is called so.
  'proxy-image/io/telemetry/exposition.ts': ['services'],
};

describe('a kind of the API', () => {
  it('is named by its plural in its own folder only', () => {
    const plurals = KINDS.map(({ plural }) => plural).join('|');
    // As a literal of its own, or as a part of a path.
    const literal = new RegExp(`(?:['"]|/)(${plurals})(?=['"\`/])`, 'g');
    const programs = sourceFiles().filter(({ path }) => /^(proxy-image|crds|webhooks|operator)\//.test(path));
    const wrong = programs
      .filter(({ path }) => !path.startsWith('crds/kinds/'))
      .flatMap(({ path, text }) => {
        const named = [...text.matchAll(literal)].map((match) => match[1]!);
        return named.filter((plural) => !(MAY_NAME[path] ?? []).includes(plural)).map((plural) => `${path}: ${plural}`);
      });
    expect(wrong).to.deep.equal([]);
  });

  it('has a row in the registry and nowhere else', () => {
    const rows = sourceFiles().filter(
      ({ path, text }) => path.startsWith('crds/kinds/') && /KindRow<\w+> = /.test(text),
    );
    expect(rows.map(({ path }) => path.split('/').at(-1))).to.include.members(['kind.ts']);
    for (const { path } of rows) expect(path).to.match(/^crds\/kinds\/[a-z-]+\/kind\.ts$/);
    const registry = sourceFiles().find(({ path }) => path === 'crds/kinds/registry.ts')!;
    expect(registry.imports.filter((path) => path.endsWith('/kind.ts')).sort()).to.deep.equal(
      rows.map(({ path }) => path).sort(),
    );
    for (const path of registry.imports) expect(existsSync(join(ROOT, path)), path).to.equal(true);
  });
});
