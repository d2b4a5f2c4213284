import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isOurs } from '../../../../cli/install/object.ts';
import { installation } from '../../../../cli/install/objects.ts';
import { SOURCES } from '../../../../cli/install/sources.ts';
import {
  ANCHOR_SECRET,
  CONTROL_SECRET,
  ISSUER_SECRET,
  PUBLISHED_SECRET,
  ROTATION_SECRET,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../../../operator/pki/secrets.ts';
import { OPERATOR_PORTS, PROXY_UID } from '../../../../proxy-image/contract/ports.ts';
import { sourceFiles } from '../../../architecture/sources.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

interface Container {
  securityContext: object;
  volumeMounts?: object[];
}

/** What of an object of the manifests is looked at. */
interface Installed {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  subjects?: { name: string; namespace: string }[];
  spec?: {
    template?: { spec: { securityContext: object; serviceAccountName: string; containers: Container[] } & object };
  };
}

const { controlPlane: all } = installation(SOURCES, {});
const objects = all as unknown as Installed[];
const rules = objects.flatMap(({ kind, metadata, rules: own }) =>
  (own ?? []).map((rule) => ({ kind, namespace: metadata.namespace, role: metadata.name, ...rule })),
);
/** Custom resources that people write: the operator says what it made of them, and no more. */
const CUSTOM = [
  'serviceprofiles',
  'trafficsplits',
  'servers',
  'serverauthorizations',
  'authorizationpolicies',
  'meshtlsauthentications',
  'networkauthentications',
  'httplocalratelimitpolicies',
  'httproutes',
  'grpcroutes',
  'httpfaults',
  'meshes',
];

describe('E10: rights of the control plane', () => {
  it('contain no wildcard', () => {
    for (const { resources, verbs, apiGroups } of rules) {
      expect([...resources, ...verbs, ...apiGroups].filter((word) => word.includes('*'))).to.deep.equal([]);
    }
  });

  it('lead to no others: nothing is escalated, bound or impersonated, nothing that runs is made or entered, nothing deleted but the own groups of the API', () => {
    const verbs = new Set(rules.flatMap((rule) => rule.verbs));
    expect([...verbs].toSorted()).to.deep.equal(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']);
    const deleted = rules.filter((rule) => rule.verbs.includes('delete'));
    // With nobody to serve it, it would keep every namespace from being deleted.
    expect(deleted.map(({ resources, resourceNames }) => [resources, resourceNames])).to.deep.equal([
      [['apiservices'], ['v1alpha1.viz.weft.dev', 'v1alpha1.tap.linkerd.io']],
    ]);
    const created = rules.filter((rule) => rule.verbs.includes('create')).flatMap(({ resources }) => resources);
    expect(created.toSorted()).to.deep.equal([
      'apiservices',
      'events',
      'leases',
      'mutatingwebhookconfigurations',
      'secrets',
      'subjectaccessreviews',
      'tokenreviews',
      'validatingwebhookconfigurations',
    ]);
    const roles = rules.filter(({ apiGroups }) => apiGroups.includes('rbac.authorization.k8s.io'));
    expect(roles.map((rule) => [rule.verbs, rule.resourceNames])).to.deep.equal([[['get'], ['weft-operator']]]);
  });

  it('change what exists by name only, in the cluster no more than the own webhook configurations and groups of the API', () => {
    const written = rules.filter(({ kind, verbs }) => kind === 'ClusterRole' && verbs.includes('patch'));
    const whole = written.filter(({ resources }) => !resources.every((name) => name.endsWith('/status')));
    expect(whole.map(({ resources, resourceNames }) => [resources.join(), resourceNames])).to.deep.equal([
      // Of core, and of everybody's: a repeated Event counts up.
      ['events', undefined],
      ['mutatingwebhookconfigurations', ['weft-injector']],
      ['validatingwebhookconfigurations', ['weft-validator']],
      ['apiservices', ['v1alpha1.viz.weft.dev', 'v1alpha1.tap.linkerd.io']],
    ]);
  });

  it('reach Secrets only in the own namespace: those named for reading, of these its own for renewal, and new ones (F13)', () => {
    const secrets = rules.filter(({ resources }) => resources.includes('secrets'));
    expect(
      secrets.map(({ kind, namespace, verbs, resourceNames }) => [kind, namespace, verbs, resourceNames]),
    ).to.deep.equal([
      [
        'Role',
        'weft-system',
        ['get', 'list', 'watch'],
        [ANCHOR_SECRET, ISSUER_SECRET, ROTATION_SECRET, WEBHOOK_AUTHORITY_SECRET, 'linkerd-identity-issuer'],
      ],
      ['Role', 'weft-system', ['get', 'patch'], [PUBLISHED_SECRET, CONTROL_SECRET]],
      ['Role', 'weft-system', ['patch'], [ANCHOR_SECRET, ISSUER_SECRET, ROTATION_SECRET, WEBHOOK_AUTHORITY_SECRET]],
      ['Role', 'weft-system', ['create'], undefined],
    ]);
  });

  it('write no custom resource but its status', () => {
    const custom = rules.filter(({ resources }) => resources.some((name) => CUSTOM.includes(name)));
    expect(new Set(custom.flatMap(({ resources }) => resources))).to.deep.equal(new Set(CUSTOM));
    for (const { resources, verbs } of custom) expect(verbs, resources.join()).to.deep.equal(['list', 'watch']);
  });

  it('belong to one account; those of direct mode, which only read, to nobody before somebody binds them', () => {
    const bound = objects.filter(({ kind }) => kind.endsWith('Binding'));
    expect(bound.map(({ subjects }) => subjects)).to.deep.equal(
      bound.map(() => [{ kind: 'ServiceAccount', name: 'weft-operator', namespace: 'weft-system' }]),
    );
    const direct = rules.filter(({ role }) => role === 'weft-proxy-direct');
    expect(new Set(direct.flatMap(({ verbs }) => verbs))).to.deep.equal(new Set(['list', 'watch']));
    expect(direct.flatMap(({ resources }) => resources)).not.to.include('secrets');
  });
});

describe('the NetworkPolicy of the control plane', () => {
  const values = { 'networkPolicy.enabled': 'true', 'operator.split': 'true' } as const;
  const { controlPlane } = installation(SOURCES, values);
  const policy = controlPlane.find(({ kind }) => kind === 'NetworkPolicy')?.['spec'] as {
    podSelector: { matchLabels: Record<string, string> };
    ingress: { from?: object[]; ports: { port: number }[] }[];
  };

  it('is about the pods of every part, and lets in to every port that somebody has to reach', () => {
    const pods = controlPlane.filter(({ kind }) => kind === 'Deployment') as unknown as {
      spec: { template: { metadata: { labels: Record<string, string> } } };
    }[];
    for (const { spec } of pods) expect(spec.template.metadata.labels).to.include(policy.podSelector.matchLabels);
    const open = policy.ingress.flatMap(({ ports }) => ports.map(({ port }) => port));
    expect(open.toSorted()).to.deep.equal(Object.values(OPERATOR_PORTS).toSorted());
  });

  it('leaves the ports of proxies to pods', () => {
    const ofPods = policy.ingress.filter(({ from }) => from !== undefined);
    expect(ofPods.map(({ from, ports }) => [from, ports.map(({ port }) => port)])).to.deep.equal([
      [[{ namespaceSelector: {} }], [OPERATOR_PORTS.config, OPERATOR_PORTS.identity]],
    ]);
  });
});

describe('E15: what is removed', () => {
  it('is what carries the label of the installation, which every manifest does', () => {
    expect(
      all.filter((object) => !isOurs(object)).map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ).to.deep.equal([]);
    const others: Record<string, string>[] = [
      {},
      { 'app.kubernetes.io/part-of': 'other' },
      { 'app.kubernetes.io/name': 'weft' },
    ];
    for (const labels of others) expect(isOurs({ metadata: { name: 'weft-operator', labels } })).to.equal(false);
    expect(isOurs({ metadata: { name: 'weft-operator' } })).to.equal(false);
  });

  it('draws nothing with it in another namespace: the one owner that the operator writes is of the cluster, as what it owns', () => {
    const writers = sourceFiles().filter(
      ({ path, text }) =>
        /^(?:operator|webhooks|crds|proxy-image|cli|hack)\//.test(path) && /\bownerReferences\b\??\s*:/.test(text),
    );
    // `weft inject --manual` shows an owner to injection, and prints none (its tests compare all that it prints).
    const written = writers.map(({ path }) => path).filter((path) => path !== 'cli/inject/manual.ts');
    expect(written).to.deep.equal(['webhooks/configurations.ts']);
    expect(JSON.stringify(all)).not.to.contain('ownerReferences').and.not.to.contain('finalizers');
  });
});

describe('F11: what the control plane runs as', () => {
  const template = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec;

  it('is a user without rights, with nothing to write to and the system calls of the runtime’s default', () => {
    expect(template?.securityContext).to.deep.equal({
      runAsNonRoot: true,
      runAsUser: PROXY_UID,
      runAsGroup: PROXY_UID,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of template?.containers ?? []) {
      expect(container.securityContext).to.deep.equal({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      // Keys are in memory and in Secrets: there is no volume that could hold one (F13).
      expect(container.volumeMounts).to.equal(undefined);
    }
    expect(template).to.not.have.any.keys('hostNetwork', 'hostPID', 'hostIPC', 'volumes');
    expect(template?.containers).to.have.length(1);
  });

  for (const image of ['operator', 'proxy-image']) {
    it(`is what the image of ${image} says by itself, too, and no program is started through a shell`, () => {
      const lines = readFileSync(join(ROOT, image, 'Dockerfile'), 'utf8').split('\n');
      expect(lines.filter((line) => line.startsWith('USER '))).to.deep.equal([`USER ${PROXY_UID}:${PROXY_UID}`]);
      expect(lines.filter((line) => /^(RUN|SHELL|ADD) /.test(line))).to.deep.equal([]);
      expect(lines.filter((line) => /^(ENTRYPOINT|CMD) (?!\[)/.test(line))).to.deep.equal([]);
    });
  }
});
