import { isRead } from '../../crds/kinds/readers.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';
import type { OperatorRole } from '../../crds/types/operator-role.ts';
import {
  ANCHOR_SECRET,
  CONTROL_SECRET,
  ISSUER_SECRET,
  PUBLISHED_SECRET,
  ROTATION_SECRET,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../proxy-image/contract/names.ts';
import { API_SERVICES } from './api-services.ts';
import { WHOLE } from './parts.ts';
import { Noted, type Template } from './template.ts';

type Verb = 'create' | 'delete' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** One rule of RBAC, who needs it, and why. */
export interface Right {
  roles: readonly OperatorRole[];
  /** `cluster`: in a ClusterRole, `namespace`: in a Role of the control plane's namespace. */
  scope: 'cluster' | 'namespace';
  /** Only with live numbers. */
  viz?: true;
  /** Only where the roles are in Deployments of their own. */
  split?: true;
  group: string;
  resources: readonly string[];
  names?: readonly string[];
  verbs: readonly Verb[];
  /** A sentence; it becomes the comment of the rule. */
  because: string;
}

/** What the operator makes and keeps; the rotation is what `spec.identity.rotation` of the Mesh has asked for so far. */
const TRUST = [ANCHOR_SECRET, ISSUER_SECRET, ROTATION_SECRET, WEBHOOK_AUTHORITY_SECRET] as const;
const OTHERS_ISSUER = 'linkerd-identity-issuer';
const ADMISSION = 'admissionregistration.k8s.io';

/**
 * Every right of the operator beside those to read and report on the kinds of the registry. A test runs the operator with them and no others, and compares what it
 * has asked for: no rule may be missing, and none unused.
 */
const RIGHTS: readonly Right[] = [
  {
    roles: ['webhooks'],
    scope: 'cluster',
    group: '',
    resources: ['namespaces'],
    verbs: ['get'],
    because: 'A pod may be created moments after its namespace, before the watch has told of it.',
  },
  {
    roles: ['webhooks'],
    scope: 'cluster',
    group: '',
    resources: ['resourcequotas', 'limitranges'],
    verbs: ['list'],
    because: "A quota may demand resources of every container, the proxy's too.",
  },
  {
    roles: ['webhooks'],
    scope: 'cluster',
    group: 'apps',
    resources: ['replicasets'],
    verbs: ['get'],
    because: 'Events of injection are for whom people look at: the Deployment of a ReplicaSet.',
  },
  {
    roles: ['webhooks'],
    scope: 'cluster',
    group: 'batch',
    resources: ['jobs'],
    verbs: ['get'],
    because: 'The same: the CronJob of a Job.',
  },
  {
    roles: ['controllers', 'webhooks'],
    scope: 'cluster',
    group: 'events.k8s.io',
    resources: ['events'],
    verbs: ['create', 'patch'],
    because: 'What people should act on, beside their objects; the same again counts up.',
  },
  {
    roles: ['controllers'],
    scope: 'cluster',
    group: ADMISSION,
    resources: ['mutatingwebhookconfigurations'],
    verbs: ['list', 'watch'],
    because: 'Other injectors for linkerd.io/inject are looked for; only our own configurations are written.',
  },
  {
    roles: ['controllers'],
    scope: 'cluster',
    group: ADMISSION,
    resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    verbs: ['create'],
    because: 'A name does not restrict create: it is not known when the request is authorized.',
  },
  {
    roles: ['controllers'],
    scope: 'cluster',
    group: ADMISSION,
    resources: ['mutatingwebhookconfigurations'],
    names: ['weft-injector'],
    verbs: ['get', 'patch'],
    because:
      'Our own, with the CA that is renewed; it is read every minute, and written where it is not as it was left.',
  },
  {
    roles: ['controllers'],
    scope: 'cluster',
    group: ADMISSION,
    resources: ['validatingwebhookconfigurations'],
    names: ['weft-validator'],
    verbs: ['get', 'patch'],
    because: 'The same.',
  },
  {
    roles: ['controllers'],
    scope: 'cluster',
    group: 'rbac.authorization.k8s.io',
    resources: ['clusterroles'],
    names: ['weft-operator'],
    verbs: ['get'],
    because: 'It owns what the operator makes in the cluster: deleting it deletes that.',
  },
  {
    roles: ['identity'],
    scope: 'cluster',
    group: 'authentication.k8s.io',
    resources: ['tokenreviews'],
    verbs: ['create'],
    because: 'Who a proxy is that asks for a certificate.',
  },
  {
    roles: ['viz'],
    scope: 'cluster',
    viz: true,
    group: 'authorization.k8s.io',
    resources: ['subjectaccessreviews'],
    verbs: ['create'],
    because:
      'Whether whoever asks for live numbers may have them. Of system:auth-delegator the half that is needed: no token is reviewed for it.',
  },
  {
    roles: ['controllers'],
    scope: 'cluster',
    viz: true,
    group: 'apiregistration.k8s.io',
    resources: ['apiservices'],
    verbs: ['create'],
    because: 'A name does not restrict create: it is not known when the request is authorized.',
  },
  {
    roles: ['controllers'],
    scope: 'cluster',
    viz: true,
    group: 'apiregistration.k8s.io',
    resources: ['apiservices'],
    names: API_SERVICES.map(({ metadata }) => metadata.name),
    verbs: ['get', 'patch', 'delete'],
    because:
      'Its groups are there while a replica serves them. With its servers gone, an APIService would keep every namespace of the cluster from being deleted.',
  },
  {
    roles: ['controllers'],
    scope: 'namespace',
    group: '',
    resources: ['secrets'],
    names: [...TRUST, OTHERS_ISSUER],
    verbs: ['get', 'list', 'watch'],
    because:
      'The authorities of the mesh, when they change too. linkerd-identity-issuer: the name under which cert-manager users keep an issuer of their own (Mesh spec.identity.issuer).',
  },
  {
    roles: ['controllers'],
    scope: 'namespace',
    group: '',
    resources: ['configmaps'],
    names: ['linkerd-identity-trust-roots'],
    verbs: ['get', 'list', 'watch'],
    because:
      'Where trust-manager puts the trust anchors of those who keep their own (Mesh spec.identity.trustAnchors).',
  },
  {
    roles: ['controllers'],
    scope: 'namespace',
    group: '',
    resources: ['secrets'],
    names: [PUBLISHED_SECRET, CONTROL_SECRET],
    verbs: ['get', 'patch'],
    because: 'What processes with other roles alone are told of them (operator.split).',
  },
  {
    roles: ['config', 'identity', 'webhooks', 'viz'],
    scope: 'namespace',
    split: true,
    group: '',
    resources: ['secrets'],
    names: [PUBLISHED_SECRET],
    verbs: ['get', 'list', 'watch'],
    because: 'Certificates that everybody may know: the trust anchors, and who signs. No key is in it.',
  },
  {
    roles: ['identity'],
    scope: 'namespace',
    split: true,
    group: '',
    resources: ['secrets'],
    names: [ISSUER_SECRET, OTHERS_ISSUER],
    verbs: ['get', 'list', 'watch'],
    because: 'It signs the certificates of proxies.',
  },
  {
    roles: ['config', 'viz'],
    scope: 'namespace',
    split: true,
    group: '',
    resources: ['secrets'],
    names: [CONTROL_SECRET],
    verbs: ['get', 'list', 'watch'],
    because: 'What the control plane proves itself with to proxies, for a day: it cannot sign.',
  },
  {
    roles: ['webhooks'],
    scope: 'namespace',
    split: true,
    group: '',
    resources: ['secrets'],
    names: [WEBHOOK_AUTHORITY_SECRET],
    verbs: ['get', 'list', 'watch'],
    because: 'Each replica makes its own certificate of it for what the API server calls. No proxy trusts it.',
  },
  {
    roles: ['viz'],
    scope: 'namespace',
    viz: true,
    split: true,
    group: '',
    resources: ['secrets'],
    names: [WEBHOOK_AUTHORITY_SECRET],
    verbs: ['get', 'list', 'watch'],
    because: 'The same, for the aggregated API.',
  },
  {
    roles: ['controllers'],
    scope: 'namespace',
    group: '',
    resources: ['secrets'],
    names: TRUST,
    verbs: ['patch'],
    because: 'What the operator made it also renews. A Secret that somebody else keeps is never written.',
  },
  {
    roles: ['controllers'],
    scope: 'namespace',
    group: '',
    resources: ['secrets'],
    verbs: ['create'],
    because: 'The root of trust is made where there is none.',
  },
  {
    roles: ['controllers'],
    scope: 'namespace',
    group: 'coordination.k8s.io',
    resources: ['leases'],
    names: ['weft-operator'],
    verbs: ['get', 'update'],
    because: 'Who leads.',
  },
  {
    roles: ['controllers'],
    scope: 'namespace',
    group: 'coordination.k8s.io',
    resources: ['leases'],
    verbs: ['create'],
    because: 'Before the first election there is no lease.',
  },
];

/** Every right of a process with these roles. */
export function rightsOf(roles: readonly OperatorRole[]): Right[] {
  const isWhole = WHOLE.roles.every((role) => roles.includes(role));
  const own = RIGHTS.filter((right) => right.roles.some((role) => roles.includes(role)));
  return [...kindRights(roles), ...own.filter(({ split }) => split !== true || !isWhole)];
}

/** By group: what is read and, where statuses are written, these. */
function kindRights(roles: readonly OperatorRole[]): Right[] {
  const read = KINDS.filter((row) => isRead(row, roles));
  const isWriter = roles.includes('controllers');
  const groups = [...new Set(read.map(({ group }) => group))];
  const frame = { roles, scope: 'cluster' } as const;
  return groups.flatMap((group): Right[] => {
    const rows = read.filter((row) => row.group === group);
    const written = isWriter ? rows.filter(hasStatus) : [];
    const because = rows.some(hasStatus) ? 'What users write.' : 'What runs, and where.';
    const reads: Right = { ...frame, group, resources: pluralsOf(rows), verbs: ['list', 'watch'], because };
    if (written.length === 0) return [reads];
    const statuses = pluralsOf(written).map((plural) => `${plural}/status`);
    return [
      reads,
      { ...frame, group, resources: statuses, verbs: ['patch'], because: 'What became of it, and nothing else of it.' },
    ];
  });
}

function hasStatus({ status }: KindRow): boolean {
  return status.form !== 'none';
}

function pluralsOf(rows: readonly KindRow[]): string[] {
  return rows.map(({ plural }) => plural);
}

/** As a rule of a Role or ClusterRole, with its reason. */
export function ruleOf({ group, resources, names, verbs, because }: Right): Template {
  return new Noted(because, {
    apiGroups: [group],
    resources,
    ...(names === undefined ? {} : { resourceNames: names }),
    verbs,
  });
}
