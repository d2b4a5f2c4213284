import type { MeshModel } from '../crds/kinds/mesh/model.ts';
import { KINDS } from '../crds/kinds/registry.ts';
import type { KindRow } from '../crds/kinds/row.ts';
import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE } from '../proxy-image/contract/names.ts';

export const INJECT_PATH = '/inject';
export const VALIDATE_PATH = '/validate';

export const INJECTOR_CONFIGURATION = 'weft-injector';
const VALIDATOR_CONFIGURATION = 'weft-validator';

/** Opt-in for namespaces where another mesh reads `linkerd.io/inject` too. */
const MESH_LABEL = { key: 'weft.dev/mesh', value: 'weft' } as const;

/** Never injected (Linkerd chart: `proxyInjector.namespaceSelector`), and our own: an operator must start without its webhook. */
const EXCLUDED_NAMESPACES = ['cert-manager', 'kube-system', CONTROL_PLANE_NAMESPACE];
/** With `Fail`, whoever could repair a broken mesh must not need it. */
const REPAIR_NAMESPACES = ['argocd', 'flux-system'];

const TIMEOUT_SECONDS = 10;

export interface Owner {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

export interface ConfigurationInput {
  mesh: MeshModel;
  caBundlePem: string;
  /** Where the API server finds us; a URL (without path) for an operator outside the cluster. */
  client: { type: 'service' } | { type: 'url'; url: string };
  /** Another injector for `linkerd.io/inject` is in the cluster. */
  otherInjector: boolean;
  /** The operator's ClusterRole, so that uninstalling removes the configurations; `null` in the embedded mode. */
  owner: Owner | null;
}

interface Requirement {
  key: string;
  operator: 'In' | 'NotIn' | 'DoesNotExist';
  values?: string[];
}

interface Rule {
  apiGroups: string[];
  apiVersions: string[];
  operations: string[];
  resources: string[];
  scope: 'Namespaced' | 'Cluster';
}

export interface WebhookEntry {
  name: string;
  admissionReviewVersions: string[];
  clientConfig: {
    caBundle: string;
    service?: { namespace: string; name: string; path: string; port: number };
    url?: string;
  };
  failurePolicy: 'Ignore' | 'Fail';
  matchPolicy: 'Equivalent';
  namespaceSelector: { matchExpressions: Requirement[] };
  objectSelector: { matchExpressions?: Requirement[] };
  reinvocationPolicy?: 'IfNeeded';
  rules: Rule[];
  sideEffects: 'None' | 'NoneOnDryRun';
  timeoutSeconds: number;
}

export interface WebhookConfiguration {
  apiVersion: 'admissionregistration.k8s.io/v1';
  kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  metadata: { name: string; labels: Record<string, string>; ownerReferences?: Owner[] };
  webhooks: [WebhookEntry];
}

/** Every default of the API server is written out, so that applying the same again changes nothing. */
export function injectorConfiguration(input: ConfigurationInput): WebhookConfiguration {
  const { failurePolicy } = input.mesh.injection;
  return {
    ...frame('MutatingWebhookConfiguration', INJECTOR_CONFIGURATION, input.owner),
    webhooks: [
      {
        name: 'injector.webhooks.weft.dev',
        ...entry(input, INJECT_PATH, failurePolicy),
        // Injectors that run later may add containers; a second pass finds our proxy and changes nothing.
        reinvocationPolicy: 'IfNeeded',
        // Owners are told by Events, but for a dry run.
        sideEffects: 'NoneOnDryRun',
        // Linkerd's own control plane and CNI pods carry these labels.
        objectSelector: {
          matchExpressions: [
            { key: 'linkerd.io/control-plane-component', operator: 'DoesNotExist' },
            { key: 'linkerd.io/cni-resource', operator: 'DoesNotExist' },
          ],
        },
        rules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
        ],
      },
    ],
  };
}

export function validatorConfiguration(
  input: ConfigurationInput,
  kinds: readonly KindRow[] = KINDS,
): WebhookConfiguration {
  const validated = kinds.filter((row) => row.validated);
  return {
    ...frame('ValidatingWebhookConfiguration', VALIDATOR_CONFIGURATION, input.owner),
    webhooks: [
      {
        name: 'validator.webhooks.weft.dev',
        ...entry(input, VALIDATE_PATH, input.mesh.validation.failurePolicy),
        objectSelector: {},
        rules: validated.map(({ group, versions, plural, scope }) => ({
          apiGroups: [group],
          apiVersions: [...versions],
          operations: ['CREATE', 'UPDATE'],
          resources: [plural],
          scope,
        })),
      },
    ],
  };
}

/** Metadata of what goes with its owner. */
export function ownedBy(owner: Owner | null): { ownerReferences?: Owner[] } {
  return owner === null ? {} : { ownerReferences: [owner] };
}

function frame(kind: WebhookConfiguration['kind'], name: string, owner: Owner | null) {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1' as const,
    kind,
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' },
      ...ownedBy(owner),
    },
  };
}

function entry(input: ConfigurationInput, path: string, failurePolicy: 'Ignore' | 'Fail') {
  return {
    admissionReviewVersions: ['v1'],
    clientConfig: clientConfig(input, path),
    failurePolicy,
    matchPolicy: 'Equivalent' as const,
    namespaceSelector: { matchExpressions: namespaceRequirements(input.otherInjector, failurePolicy) },
    sideEffects: 'None' as const,
    timeoutSeconds: TIMEOUT_SECONDS,
  };
}

function clientConfig({ client, caBundlePem }: ConfigurationInput, path: string): WebhookEntry['clientConfig'] {
  const caBundle = Buffer.from(caBundlePem).toString('base64');
  if (client.type === 'url') return { caBundle, url: `${client.url}${path}` };
  return { caBundle, service: { namespace: CONTROL_PLANE_NAMESPACE, name: CONTROL_PLANE_SERVICE, path, port: 443 } };
}

/** Cluster-scoped objects (the Mesh) are judged whatever this says. */
function namespaceRequirements(otherInjector: boolean, failurePolicy: 'Ignore' | 'Fail'): Requirement[] {
  const excluded = failurePolicy === 'Fail' ? [...EXCLUDED_NAMESPACES, ...REPAIR_NAMESPACES] : EXCLUDED_NAMESPACES;
  const requirements: Requirement[] = [
    { key: 'config.linkerd.io/admission-webhooks', operator: 'NotIn', values: ['disabled'] },
    { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: excluded.toSorted() },
  ];
  if (otherInjector) requirements.push({ key: MESH_LABEL.key, operator: 'In', values: [MESH_LABEL.value] });
  return requirements;
}
